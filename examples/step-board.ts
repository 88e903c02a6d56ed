import type { StepRun } from "../client/index.ts";

/** The terminal, shared by a table of steps that is always up to date and by lines that stay. */
export interface Board {
  say(line: string): void;
  show(steps: StepRun[]): void;
}

/** On a terminal the table is redrawn in place; anywhere else each change of a step is a line. */
export function stepBoard(out: NodeJS.WriteStream, startedAt = Date.now()): Board {
  return out.isTTY ? redrawing(out) : logging(out, startedAt);
}

function redrawing(out: NodeJS.WriteStream): Board {
  let table: string[] = [];
  const erase = () => out.write(table.length > 0 ? `\x1b[${table.length}A\x1b[J` : "");
  const draw = () => out.write(table.map((line) => `${line.slice(0, out.columns - 1)}\n`).join(""));
  return {
    say(line) {
      erase();
      out.write(`${line}\n`);
      draw();
    },
    show(steps) {
      erase();
      table = ["", ...steps.map((step) => `  ${rowOf(step)}`), ""];
      draw();
    },
  };
}

function logging(out: NodeJS.WriteStream, startedAt: number): Board {
  const shown = new Map<string, string>();
  const say = (line: string) => out.write(`${line}\n`);
  return {
    say,
    show(steps) {
      for (const step of steps) {
        const row = rowOf(step);
        if (shown.get(step.id) === row) continue;
        shown.set(step.id, row);
        say(`  ${((Date.now() - startedAt) / 1000).toFixed(1).padStart(5)} s  ${row}`);
      }
    },
  };
}

const MARKS: Record<StepRun["status"], string> = {
  pending: "·",
  waiting: "·",
  running: ">",
  completed: "✓",
  failed: "✗",
  skipped: "-",
  canceled: "✗",
};

function rowOf(step: StepRun): string {
  const opened = step.status === "waiting" && step.started_at !== undefined;
  const end = step.error ?? (step.output === undefined ? "" : JSON.stringify(step.output));
  const status = opened ? "waiting for approval" : step.status;
  return `${opened ? "?" : MARKS[step.status]} ${step.step_ref.padEnd(18)} ${status.padEnd(21)} ${end}`.trimEnd();
}
