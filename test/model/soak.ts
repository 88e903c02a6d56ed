import { parseArgs } from "node:util";
import fc from "fast-check";
import { anyRun } from "./play.ts";

/** `npm run test:soak -- --minutes 60`: plays random runs with new seeds for as long as told; the first that goes wrong is shrunk and shown. */
const { values } = parseArgs({ options: { minutes: { type: "string", default: "1" } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error(`--minutes must be a number above 0, not ${values.minutes}`);

const end = Date.now() + minutes * 60_000;
let played = 0;
while (Date.now() < end) {
  const seed = Math.floor(Math.random() * 2 ** 31);
  // What is cut short by the limit is the shrinking.
  const result = fc.check(anyRun, { seed, numRuns: 200, interruptAfterTimeLimit: 120_000 });
  if (result.failed) {
    console.error(fc.defaultReportMessage(result));
    process.exit(1);
  }
  played += result.numRuns;
  console.log(`seed ${seed}: ${result.numRuns} runs, ${played} in all, nothing wrong`);
}
