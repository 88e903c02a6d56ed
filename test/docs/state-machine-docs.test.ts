import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { job, planWith } from "../engine/plans.ts";
import { initialRun } from "../../workflows/engine/run.ts";
import { isRunOver, isStepOver, RUN_TRANSITIONS, STEP_TRANSITIONS } from "../../workflows/engine/transitions.ts";

const page = readFileSync(new URL("../../docs/state-machine.md", import.meta.url), "utf8");
const [ofRun = "", ofStep = ""] = [...page.matchAll(/```mermaid\nstateDiagram-v2\n(.*?)```/gs)].map(
  ([, diagram]) => diagram,
);

const arrowsOf = (diagram: string): string[] =>
  [...diagram.matchAll(/^\s*(\S+) --> (\S+)/gm)].map(([, from, to]) => `${from} → ${to}`);
const fresh = initialRun(planWith([job("a"), job("b", ["a"])])).state;

describe.each([
  { what: "run", diagram: ofRun, table: RUN_TRANSITIONS, isOver: isRunOver, first: [fresh.status] },
  {
    what: "step",
    diagram: ofStep,
    table: STEP_TRANSITIONS,
    isOver: isStepOver,
    first: fresh.steps.map(({ status }) => status),
  },
])("the picture of a $what in docs/state-machine.md", ({ diagram, table, isOver, first }) => {
  const arrows = arrowsOf(diagram);

  it("shows exactly the transitions that the engine knows", () => {
    const known = Object.entries<readonly string[]>(table).flatMap(([from, tos]) => tos.map((to) => `${from} → ${to}`));
    expect(arrows.filter((arrow) => !arrow.includes("[*]")).sort()).toEqual(known.sort());
  });

  it("begins and ends where the engine does", () => {
    const ends = Object.keys(table).filter((status) => isOver(status as never));
    const outer = [...first.map((status) => `[*] → ${status}`), ...ends.map((status) => `${status} → [*]`)];
    expect(arrows.filter((arrow) => arrow.includes("[*]")).sort()).toEqual(outer.sort());
  });

  it("is followed by what each state means", () => {
    const after = page.slice(page.indexOf(diagram) + diagram.length);
    const [meanings = ""] = /^\| state +\| meaning +\|\n.*?\n\n/ms.exec(after) ?? [];
    expect([...meanings.matchAll(/^\| `(\w+)` +\|/gm)].map(([, status]) => status).sort()).toEqual(
      Object.keys(table).sort(),
    );
  });
});
