import { readFileSync } from "node:fs";

/** Each of them may be in a file: NAME_FILE is then its path. */
const SECRETS = [
  "DATABASE_URL",
  "JWT_SECRET",
  "RUN_TOKEN_SECRET",
  "TEMPORAL_API_KEY",
  "SMTP_URL",
  "OTEL_EXPORTER_OTLP_HEADERS",
];

const fileOf = (name: string) => `${name}_FILE`;

export const SECRET_FILES = SECRETS.map(fileOf);

/** What is meant: editors and shells end a file with line breaks, and some begin it with a mark, which the decoder leaves out. */
const textOf = (path: string): string =>
  new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path)).replace(/[\r\n]+$/, "");

/** The variables with the secrets that are in files, and what is wrong with these. */
export function withSecretFiles(env: Record<string, string | undefined>) {
  const all = { ...env };
  const problems: string[] = [];
  for (const name of SECRETS) {
    const path = env[fileOf(name)];
    if (path === undefined) continue;
    if (env[name] !== undefined) problems.push(`${name} and ${fileOf(name)} are both set: unset one of them`);
    else
      try {
        const text = textOf(path);
        if (text === "") problems.push(`${fileOf(name)} names an empty file: ${path}`);
        else all[name] = text;
      } catch (error) {
        problems.push(`${fileOf(name)} can't be read: ${(error as Error).message}`);
      }
  }
  return { all, problems };
}

/** The variable that its user has set for it. */
export const givenAs = (name: string, env: Record<string, string | undefined>): string =>
  SECRETS.includes(name) && env[fileOf(name)] !== undefined ? fileOf(name) : name;
