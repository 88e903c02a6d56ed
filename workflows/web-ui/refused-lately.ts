import { quoted } from "../expressions/printed.ts";
import { rfc3339 } from "../engine/time.ts";
import { cell } from "./text.ts";

/** So many are told, the latest first. */
const TOLD = 5;

interface Said {
  verb: string;
  step_ref?: string;
  actor: string;
  at: number;
  status: string;
  message?: string;
  details?: string[];
}

/** Why, and what is wrong with which field, where that is not the same. */
export const refusalInWords = ({ message = "", details = [] }: Pick<Said, "message" | "details">): string =>
  [message, ...details.filter((detail) => detail !== message)].join("; ");

/** What of these commands was refused lately, as Markdown: who sends a signal by hand sees no other answer. */
export function refusalsAmong(commands: Said[]): string | undefined {
  const refused: Said[] = [];
  for (let i = commands.length - 1; i >= 0 && refused.length < TOLD; i--) {
    const command = commands[i];
    if (command?.status === "refused") refused.push(command);
  }
  if (refused.length === 0) return undefined;
  const lines = refused.map(({ verb, step_ref, actor, at, ...why }) => {
    const what = step_ref === undefined ? cell(verb) : `${cell(verb)} of ${cell(step_ref)}`;
    return `- ${rfc3339(at)} ${what} by ${cell(actor)}: ${cell(refusalInWords(why))}`;
  });
  return ["**Refused lately**", ...lines].join("\n");
}

/** What is said of a signal of this name. */
export const unknownSignal = (name: string, verbs: readonly string[]): string =>
  `there is no signal ${quoted(name)}: signals are named as the verbs, ${verbs.join(", ")}`;
