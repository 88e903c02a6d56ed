import { parseArgs } from "node:util";
import { play } from "./engine/play.ts";
import { SHAPES } from "./engine/shapes.ts";
import { printMachine } from "./machine.ts";
import { median, rounds, short, spread } from "./rounds.ts";
import { printTable } from "./table.ts";

// The engine alone, in one process, without Temporal: what an event costs, and whether that grows with the run.

const SIZES = [100, 1_000, 10_000];
const EVENTS_A_MEASUREMENT = 50_000;

const { values } = parseArgs({ options: { rounds: { type: "string", default: "7" } } });

const cases = Object.entries(SHAPES).flatMap(([shape, stepsOf]) =>
  SIZES.map((size) => ({ name: `${shape} of ${size}`, shape, steps: stepsOf(size) })),
);
type Case = (typeof cases)[number];

/** Microseconds an event, over as many runs as it takes to play EVENTS_A_MEASUREMENT. */
function measure({ steps }: Case): number {
  let events = 0;
  const begin = performance.now();
  while (events < EVENTS_A_MEASUREMENT) events += play(steps).events;
  return ((performance.now() - begin) * 1000) / events;
}

/** What a finished run still holds, plan and indexes included, the definition's own steps not. */
function heapOf({ steps }: Case): number {
  const held = () => {
    if (!gc) throw new Error("needs --expose-gc");
    gc();
    return process.memoryUsage().heapUsed;
  };
  const before = held();
  const { run } = play(steps);
  const bytes = held() - before;
  if (run.state.steps.length !== steps.length) throw new Error("not the run that was played");
  return bytes;
}

const micros = await rounds(
  Number(values.rounds),
  Object.fromEntries(cases.map((one) => [one.name, async () => measure(one)])),
);

printMachine(values);
printTable(
  `${EVENTS_A_MEASUREMENT} events and more a measurement, median of ${values.rounds} rounds (least..most)`,
  cases.map((one) => {
    const took = micros[one.name] ?? [];
    const ofSmallest = micros[`${one.shape} of ${SIZES[0]}`] ?? [];
    return {
      definition: one.name,
      events: String(play(one.steps).events),
      "events/s": short(1e6 / median(took)),
      "µs an event": spread(took),
      [`against ${SIZES[0]} steps`]: spread(took.map((us, round) => us / (ofSmallest[round] ?? Number.NaN))),
      "heap, KiB": short(heapOf(one) / 1024),
    };
  }),
);
