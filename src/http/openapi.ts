import { STATUS_CODES } from "node:http";
import { z } from "zod";
import { ANSWER_HEADERS } from "../contract/answers/headers.ts";
import { PATH_PARAMETERS, type PathParameter, type PathParameterName } from "../contract/path-parameters.ts";
import { isMap, nullsCountAsAbsent } from "../contract/fields.ts";
import { idempotencyKey } from "../contract/idempotency.ts";
import { dryRunBody, dryRunQuery } from "../contract/verbs.ts";
import { answersOf, type DocumentedAnswer, EVENT_STREAM, refusalWith } from "./answers.ts";
import type { Route } from "./route.ts";
import { TAGS } from "./tags.ts";

type Schema = z.core.JSONSchema.BaseSchema;
type Named = Record<string, unknown>;

const INFO = {
  title: "workflow-runs",
  version: "v1",
  summary: "A durable workflow-execution backend: DAGs of steps, steered over a REST API while they run.",
  description: [
    "Every answer carries `X-Request-Id`, the request's own where it has one, and `X-API-Version`.",
    "What is said of all requests and answers is in docs/api.md.",
  ].join(" "),
  license: { name: "MIT", identifier: "MIT" },
};

/** The OpenAPI 3.1 document of these routes, out of the schemas by which they parse and answer. */
export function openApi(routes: Route[]) {
  const components = new Components();
  const paths: Record<string, Named> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method]: operationOf(route, components) };
  }
  const used = new Set(routes.map(({ tag }) => tag as string));
  return {
    openapi: "3.1.0",
    info: INFO,
    servers: [
      { url: "/", description: "Lists are arrays." },
      { url: "/envelope", description: "Lists are `{data, has_more, next_cursor}`." },
    ],
    tags: Object.entries(TAGS).flatMap(([name, description]) => (used.has(name) ? [{ name, description }] : [])),
    security: [{ bearer: [] }],
    paths,
    components: components.all(),
  };
}

function operationOf(route: Route, components: Components): Named {
  const { operationId, tag, summary, scope, orScope, body } = route;
  const scopes = [scope, orScope].filter((one) => one !== undefined);
  const needs = scopes.length > 0 && `Needs the scope ${scopes.map((one) => `\`${one}\``).join(" or ")}.`;
  return {
    operationId,
    tags: [tag],
    summary,
    description: [route.description, needs].filter(Boolean).join(" ") || undefined,
    security: scopes.map((one) => ({ bearer: [one] })),
    parameters: parametersOf(route, components),
    requestBody: body && requestBodyOf(body, route, components),
    responses: Object.fromEntries(
      [...answersOf(route)]
        .sort(([a], [b]) => a - b)
        .map(([status, answer]) => [
          status,
          answer.codes ? components.refusal(status) : responseOf(answer, components),
        ]),
    ),
  };
}

function parametersOf({ path, query, plans, ignoresKey }: Route, components: Components): Named[] {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => {
    const { schema }: PathParameter = PATH_PARAMETERS[name as PathParameterName];
    return { name, in: "path", required: true, schema: components.schema(schema, "input") };
  });
  const inQuery = [query, plans && dryRunQuery].flatMap((parsed) => {
    const { properties = {}, required = [] } = parsed ? components.whole(parsed, "input") : {};
    return Object.entries(properties).map(([name, property]) => {
      const { description, ...schema } = property as Schema;
      const isRequired = required.includes(name) || undefined;
      // An empty one counts as absent (contract/lists.ts).
      const allowEmptyValue = (parsed === query && !isRequired) || undefined;
      return { name, in: "query", required: isRequired, allowEmptyValue, description, schema };
    });
  });
  return [...inPath, ...inQuery, ...(plans && !ignoresKey ? [components.idempotencyKey()] : [])];
}

/** What changes something takes `dry_run` besides. Where nothing is required, no body and null are an empty one. */
function requestBodyOf(body: z.ZodType, { plans }: Route, components: Components): Named {
  const { properties, example, ...schema } = components.whole(body, "input");
  const dryRun = plans && components.whole(dryRunBody, "input").properties;
  const required = (schema.required ?? []).length > 0;
  const whole = { ...schema, ...(!required && { type: ["object", "null"] }), properties: { ...properties, ...dryRun } };
  return { required, content: { "application/json": { schema: whole, example } } };
}

function responseOf({ description, mediaType, schemas, headers }: DocumentedAnswer, components: Components): Named {
  const shown = schemas.map((schema) => components.schema(schema, "output"));
  const body = shown.length === 1 ? shown[0] : { oneOf: shown };
  const schema = mediaType === EVENT_STREAM ? messageOf(body) : body;
  return {
    description,
    headers: Object.fromEntries(["X-Request-Id", ...headers].map((name) => [name, components.header(name)])),
    content: schemas[0] instanceof z.ZodUndefined ? undefined : { [mediaType]: { schema } },
  };
}

/** A server-sent event, whose data is such a body. */
const messageOf = (body: unknown) => ({
  type: "object",
  required: ["event", "data"],
  properties: {
    event: { const: "status" },
    data: { type: "string", contentMediaType: "application/json", contentSchema: body },
  },
});

/** What the operations share: each is written once, and named wherever it is used. */
class Components {
  readonly #schemas: Record<string, Schema> = {};
  readonly #headers: Named = {};
  readonly #responses: Named = {};
  readonly #parameters: Named = {};

  /** A schema, its named parts as references. */
  schema(schema: z.ZodType, io: "input" | "output"): Schema {
    const {
      $schema,
      $defs = {},
      ...json
    } = z.toJSONSchema(schema, { io, unrepresentable: "any", override: withoutNoise });
    for (const [name, { id, ...def }] of Object.entries($defs)) this.#add(name, renamed(def));
    return renamed(json);
  }

  /** The same, but not itself as a reference. */
  whole(schema: z.ZodType, io: "input" | "output"): Schema {
    const json = this.schema(schema, io);
    return json.$ref ? (this.#schemas[json.$ref.split("/").at(-1) ?? ""] as Schema) : json;
  }

  #add(name: string, schema: Schema) {
    const known = this.#schemas[name];
    if (known && JSON.stringify(known) !== JSON.stringify(schema))
      throw new Error(`${name} is read and shown differently: give it two names`);
    this.#schemas[name] = schema;
  }

  header(name: string) {
    const description =
      name === "X-Request-Id" ? "The request's id." : ANSWER_HEADERS[name as keyof typeof ANSWER_HEADERS];
    this.#headers[name] = { description, schema: { type: "string" } };
    return { $ref: `#/components/headers/${name}` };
  }

  /** The same one for every operation, with all codes that it may have. */
  refusal(status: number) {
    const name = (STATUS_CODES[status] ?? "").replaceAll(" ", "");
    this.#responses[name] ??= responseOf(refusalWith(status), this);
    return { $ref: `#/components/responses/${name}` };
  }

  idempotencyKey() {
    this.#parameters["Idempotency-Key"] = {
      name: "Idempotency-Key",
      in: "header",
      description: "Makes a repeated request the same one: it has the same outcome, and happens once.",
      schema: this.schema(idempotencyKey, "input"),
    };
    return { $ref: "#/components/parameters/Idempotency-Key" };
  }

  all() {
    return {
      securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
      schemas: sorted(this.#schemas),
      headers: sorted(this.#headers),
      parameters: sorted(this.#parameters),
      responses: sorted(this.#responses),
    };
  }
}

/** What says nothing to a client: that a number can be read as one, and that names are texts. */
function withoutNoise({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodType; jsonSchema: Schema }) {
  if (nullsCountAsAbsent.has(zodSchema)) jsonSchema[TAKES_NULLS] = true;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.additionalProperties) delete jsonSchema.propertyNames;
}

const renamed = (schema: Schema): Schema =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'), withNulls) as Schema;

/** Marks an object until all of its members are there. */
const TAKES_NULLS = "x-takes-nulls";

function withNulls(_name: string, value: unknown): unknown {
  if (!isMap(value) || !(TAKES_NULLS in value)) return value;
  const { [TAKES_NULLS]: _, properties = {}, required = [], ...rest } = value as Schema;
  const widened = Object.entries(properties).map(([name, schema]) => [
    name,
    required.includes(name) ? schema : orNull(schema as Schema),
  ]);
  return { ...rest, properties: Object.fromEntries(widened), ...(required.length > 0 && { required }) };
}

function orNull(schema: Schema): Schema {
  const { description, default: byDefault, ...bare } = schema;
  if (Object.keys(bare).length === 0) return schema;
  if (typeof bare.type === "string" && !bare.enum) return { ...schema, type: [bare.type, "null"] } as Schema;
  return { description, default: byDefault, anyOf: [...(bare.anyOf ?? [bare]), { type: "null" }] };
}

const sorted = <Value>(named: Record<string, Value>) =>
  Object.fromEntries(Object.entries(named).sort(([a], [b]) => (a < b ? -1 : 1)));
