import { z } from "zod";
import { checkKeyPair, type Context, fileOf, type NamedFile } from "./key-pair.ts";
import { certificateFile, count, decodedOf, keyFile, port, url } from "./values.ts";

const sslMode = z.enum(["disable", "prefer", "require", "verify-ca", "verify-full", "no-verify"]);

/** The URL's parameters that say how it is encrypted, and the variables that stand in for those that it does not have. */
const PARAMETERS = {
  sslmode: { variable: "PGSSLMODE", kind: sslMode },
  sslrootcert: { variable: "PGSSLROOTCERT", kind: certificateFile },
  sslcert: { variable: "PGSSLCERT", kind: certificateFile },
  sslkey: { variable: "PGSSLKEY", kind: keyFile },
} as const;

/** Of a wrong one of these, or of two, pg would say so in words of its own, or take the last. */
const CHECKED = {
  ...Object.fromEntries(Object.entries(PARAMETERS).map(([parameter, { kind }]) => [parameter, kind])),
  port,
};

/** Without a host it is that of pg's defaults, or a socket that the path or the query names. */
const hasPlace = ({ hostname, pathname, search }: URL) => hostname !== "" || pathname.length > 1 || search !== "";

export const databaseVariables = {
  DATABASE_URL: url("postgres://user:password@host/database", ["postgres:", "postgresql:"], hasPlace).superRefine(
    (given, context) => {
      if (!isDecodable(given)) context.addIssue(": its percent signs must stand for UTF-8");
      const { searchParams } = new URL(given);
      for (const [parameter, kind] of Object.entries(CHECKED)) {
        const [value, ...more] = searchParams.getAll(parameter);
        const issue = value === undefined ? undefined : kind.safeParse(value).error?.issues[0];
        if (more.length > 0) context.addIssue(`: it has ${parameter} twice`);
        else if (issue?.code === "invalid_value")
          context.addIssue(`: its sslmode must be one of ${sslMode.options.join(", ")}`);
        else if (issue) context.addIssue(`: its ${parameter} ${issue.message}`);
      }
    },
  ),
  DATABASE_POOL_SIZE: count(1, 1_000).default(20),
  PGSSLMODE: sslMode.optional(),
  PGSSLROOTCERT: certificateFile.optional(),
  PGSSLCERT: certificateFile.optional(),
  PGSSLKEY: keyFile.optional(),
};

/** pg encodes all of it itself where a percent sign has no digits behind it. */
const isDecodable = (given: string): boolean => /%(?![\da-f]{2})/i.test(given) || decodedOf(given) !== undefined;

type Found = Partial<Record<"DATABASE_URL" | (typeof PARAMETERS)[keyof typeof PARAMETERS]["variable"], string>>;

/** What no variable can say alone. */
export function checkDatabase(found: Found, context: Context): void {
  const named = (parameter: "sslcert" | "sslkey"): NamedFile => {
    const path = found.DATABASE_URL && new URL(found.DATABASE_URL).searchParams.get(parameter);
    return path ? { path, variable: "DATABASE_URL", parameter } : fileOf(found, PARAMETERS[parameter].variable);
  };
  checkKeyPair(named("sslcert"), named("sslkey"), context);
}

/** Modes that pg takes for verify-full, with a warning each time, unless the URL has `uselibpqcompat`. */
const MEANT_STRICTLY = ["prefer", "require", "verify-ca"];

/** The URL that says all: whoever connects by it, connects in the same way. */
export function completeDatabaseUrl<Given extends string | undefined>(
  given: Given,
  variables: Partial<Record<(typeof PARAMETERS)[keyof typeof PARAMETERS]["variable"], string>>,
): Given {
  if (given === undefined) return given;
  const all = new URL(given);
  const { searchParams } = all;
  for (const [parameter, { variable }] of Object.entries(PARAMETERS)) {
    const value = variables[variable];
    if (value !== undefined && !searchParams.has(parameter)) searchParams.set(parameter, value);
  }
  const isStrict = MEANT_STRICTLY.includes(searchParams.get("sslmode") ?? "") && !searchParams.has("uselibpqcompat");
  if (isStrict) searchParams.set("sslmode", "verify-full");
  return (searchParams.toString() === new URL(given).searchParams.toString() ? given : all.href) as Given;
}
