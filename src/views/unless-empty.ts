/** Clients are shown no empty lists and maps: a member without a value is left out. */
export const unlessEmpty = <All extends object>(all: All | undefined): All | undefined =>
  all && Object.keys(all).length > 0 ? all : undefined;
