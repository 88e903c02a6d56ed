import { z } from "zod";
import { decodeCursor } from "../cursor.ts";
import { shownAs } from "../fields.ts";

/** Words that clients know. The details of the answer say more. */
export const NOT_ONE_OF = "is invalid";
export const INVALID_TIME = "must be a valid RFC3339 timestamp";

/** If the parameter is given twice, another message says so. */
export const choice = <const Values extends readonly string[]>(values: Values, message: string) =>
  z.enum(values, { error: ({ input }) => (Array.isArray(input) ? undefined : message) });

/** Any of these: the parameter may be given several times, and name several with commas. */
export const several = <const Values extends readonly string[]>(values: Values, message: string) =>
  shownAs(
    z.union([z.string(), z.array(z.string())]).transform((given, context): Values[number][] => {
      const named = [...new Set([given].flat().flatMap((text) => text.split(",")))];
      if (named.every((text): text is Values[number] => values.includes(text))) return named;
      context.addIssue({ code: "custom", message, params: { values } });
      return z.NEVER;
    }),
    { type: "array", items: { type: "string", enum: [...values] } },
  );

export const yesOrNo = shownAs(
  choice(["true", "false"], "must be true or false").transform((text) => text === "true"),
  { type: "boolean" },
);

export const seconds = (described: string) =>
  shownAs(
    z
      .string()
      .regex(/^\d{1,9}$/, "must be a whole number of seconds")
      .transform(Number),
    { type: "integer", minimum: 0, maximum: 999_999_999, description: described },
  );

/** An RFC 3339 time. */
export const timestamp = z.iso.datetime({
  offset: true,
  error: ({ input }) => (typeof input === "string" ? INVALID_TIME : undefined),
});

/** Epoch milliseconds of one. */
export const instant = timestamp.transform((text) => decodeCursor(text)?.at);

/**
 * A message follows the name of its field: "limit" "must be a positive integer". An empty parameter counts as absent. An unknown
 * one is refused, even if it is empty.
 */
export const query = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.preprocess(
    (given) => (Object.values(given as object).includes("") ? withoutEmpty(given as object, shape) : given),
    z.strictObject(shape),
  );

const withoutEmpty = (given: object, shape: object) =>
  Object.fromEntries(Object.entries(given).filter(([name, value]) => value !== "" || !Object.hasOwn(shape, name)));
