import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { RULES } from "../../workflows/engine/plan.ts";
import proto from "@temporalio/proto";

export type History = proto.temporal.api.history.v1.IHistory;

// Its own JSON, both ways. `historyToJSON` of @temporalio/common needs a protobufjs that npm does not give it here.
const { History } = proto.temporal.api.history.v1;
const folder = new URL("histories/", import.meta.url);

/** Those of later rules are in a folder of their rules. */
export const historyNames = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".json"))
  .map((file) => file.slice(0, -".json".length));

const fileOf = (name: string) => new URL(`${name}.json`, folder);

export const readHistory = (name: string): History =>
  History.fromObject(JSON.parse(readFileSync(fileOf(name), "utf8")));

/** As readHistory reads it. */
export const plainHistory = (history: History): object =>
  History.toObject(History.fromObject(history), { longs: String, bytes: String, enums: String });

/** By today's rules. `replacer` as of JSON.stringify. What is recorded once stays as it is. */
export function writeHistory(
  named: string,
  history: History,
  replacer: (key: string, value: unknown) => unknown,
): void {
  const name = `rules-${RULES}/${named}`;
  if (existsSync(fileOf(name))) return;
  mkdirSync(new URL(`rules-${RULES}`, folder), { recursive: true });
  writeFileSync(fileOf(name), `${JSON.stringify(plainHistory(history), replacer, 1)}\n`);
}
