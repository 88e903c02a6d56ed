/** Says one line to the person at the terminal. */
export type Say = (line: string) => void;

const EVERY_MS = 10_000;
const MOMENT_MS = 300;

/** Says what is waited for, if it takes more than a moment. */
export async function sayIfSlow<T>(say: Say, what: string, work: Promise<T>): Promise<T> {
  const timer = setTimeout(() => say(`${what} ...`), MOMENT_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}

/** Says when something slow starts, every ten seconds how long it has taken, and when it is done. */
export async function withProgress<T>(say: Say, what: string, work: Promise<T>): Promise<T> {
  const start = Date.now();
  const seconds = () => Math.round((Date.now() - start) / 1000);
  say(`${what} ...`);
  const timer = setInterval(() => say(`  still at it, ${seconds()} s`), EVERY_MS);
  try {
    const result = await work;
    say(`  done in ${seconds()} s`);
    return result;
  } finally {
    clearInterval(timer);
  }
}
