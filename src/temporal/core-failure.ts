/** The reason within the text that the SDK's core makes of a failure, in which it comes first. Undefined of any other text. */
export const reasonToldByCore = (text: string): string | undefined =>
  /Failure \{ message: "((?:[^"\\]|\\.)*)"/.exec(text)?.[1];
