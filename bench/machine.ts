import { cpus, totalmem } from "node:os";

/** What a result can't be read without: the machine, and what was asked. */
export function printMachine(options: object): void {
  const [cpu] = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  console.log(`${cpu?.model}, ${cpus().length} cores, ${gigabytes} GB, Node ${process.version}`);
  console.log(`${process.argv[1]?.replace(`${process.cwd()}/`, "")} ${JSON.stringify(options)}`);
}
