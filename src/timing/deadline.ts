/** What `doing` comes to, or the error of `late` once that has taken so long. It is not stopped, and nobody hears how it ends. */
export function within<Result>(ms: number, doing: Promise<Result>, late: () => Error): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  return Promise.race([doing, tooLate]).finally(() => clearTimeout(timer));
}
