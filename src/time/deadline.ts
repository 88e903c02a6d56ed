/** The result of `doing`, or the error of `late` if it takes longer than `ms`. Then `doing` goes on, and its result is lost. */
export function within<Result>(ms: number, doing: Promise<Result>, late: () => Error): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  return Promise.race([doing, tooLate]).finally(() => clearTimeout(timer));
}
