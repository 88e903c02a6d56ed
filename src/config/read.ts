import { z } from "zod";
import type { Context } from "./key-pair.ts";
import { givenAs, withSecretFiles } from "./secret-files.ts";

export class ConfigError extends Error {}

export type FoundIn<Shape extends z.ZodRawShape> = z.infer<z.ZodObject<Shape>>;

/**
 * The values of the variables, or one ConfigError that names every wrong one. A variable that is empty counts as not set: a compose
 * file passes on what its user left out as empty.
 */
export function read<Shape extends z.ZodRawShape>(
  shape: Shape,
  checkTogether: (found: FoundIn<Shape>, context: Context) => void,
  env: NodeJS.ProcessEnv,
): FoundIn<Shape> {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const { all, problems } = withSecretFiles(set);
  if (problems.length > 0) throw wrong(problems);
  const tell = (issues: { path: PropertyKey[]; message: string }[]) =>
    wrong(issues.map(({ path, message }) => told(givenAs(path.join("."), set), message)));
  const result = z.object(shape).safeParse(all, { error: wording });
  if (!result.success) throw tell(result.error.issues);
  // Whether they fit each other is asked of values that are right.
  const issues: Parameters<typeof tell>[0] = [];
  checkTogether(result.data, { addIssue: (issue) => issues.push(issue) });
  if (issues.length > 0) throw tell(issues);
  return result.data;
}

const wrong = (problems: string[]) => new ConfigError(`Wrong configuration: ${problems.join("; ")}.`);

/** A message may be about a part of the value: NAME: its part ... */
const told = (name: string, message: string) => (message.startsWith(":") ? name + message : `${name} ${message}`);

function wording(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.input === undefined) return "is required";
  return issue.code === "invalid_value" ? `must be one of ${issue.values.join(", ")}` : undefined;
}
