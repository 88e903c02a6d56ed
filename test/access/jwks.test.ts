import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import jwt from "jsonwebtoken";
import pino from "pino";
import type { Deps } from "../../src/deps.ts";
import { createApp } from "../../src/http/app.ts";
import { serve } from "../../src/runtime/http-server.ts";
import { until } from "../stack/until.ts";

const NAMES = { issuer: "test-issuer", audience: "test-audience" };
const first = generateKeyPairSync("rsa", { modulusLength: 2048 });
const second = generateKeyPairSync("ec", { namedCurve: "P-256" });

let fetches = 0;
let answer: RequestListener;
let issuer: Server;
let api: Awaited<ReturnType<typeof serve>>;

beforeEach(async () => {
  fetches = 0;
  answer = publishes({ first: first.publicKey });
  issuer = createServer((request, response) => {
    fetches++;
    answer(request, response);
  }).listen(0, "127.0.0.1");
  await once(issuer, "listening");
  const uri = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/keys`;
  const keySets = [{ uri, issuers: [NAMES.issuer] }];
  const log = pino({ level: "silent" });
  const config = { auth: { ...NAMES, keySets }, corsOrigins: [] as string[], maxSteps: 1 };
  api = await serve(createApp({ config, log } as Deps), "127.0.0.1", 0);
});
afterEach(async () => {
  issuer.closeAllConnections();
  issuer.close();
  await api.close();
});

function publishes(keys: Record<string, KeyObject>): RequestListener {
  const set = {
    keys: Object.entries(keys).map(([kid, key]) => ({ ...key.export({ format: "jwk" }), kid, use: "sig" })),
  };
  return (_, response) => response.end(JSON.stringify(set));
}
const signed = (kid: string, key: KeyObject, algorithm: "RS256" | "ES256" = "RS256") =>
  jwt.sign({ projects: ["demo"], scopes: ["*"] }, key, {
    ...NAMES,
    algorithm,
    keyid: kid,
    subject: "ada",
    expiresIn: 60,
  });
const valid = () => signed("first", first.privateKey);
/** Its signature is nobody's. */
const unsigned = (kid: string) => `${signed(kid, first.privateKey).split(".").slice(0, 2).join(".")}.AAAA`;

/** No id looks like that, so whoever may ask is told 404. */
async function ask(token: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${api.port}/v1/jobs/nope`, {
    headers: { authorization: `Bearer ${token}` },
  });
  if (response.status === 503) expect(response.headers.get("retry-after")).toBe("1");
  await response.arrayBuffer();
  return response.status;
}

describe("tokens that name keys which nobody has", () => {
  test("are refused, and take nothing from those who have one", async () => {
    const unknown = Array.from({ length: 60 }, (_, i) => unsigned(`unknown-${i}`));
    expect(new Set(await Promise.all(unknown.map(ask)))).toEqual(new Set([401]));
    expect(await ask(valid())).toBe(404);
    expect(await Promise.all(unknown.map(ask))).toEqual(unknown.map(() => 401));
    expect(await ask(signed("first", first.privateKey))).toBe(404);
    expect(fetches).toBeLessThan(unknown.length / 2);
  });

  test("nor do those without a key id, or with a strange one", async () => {
    for (const kid of ["", "__proto__", "x".repeat(5_000), "\u0000"]) expect(await ask(unsigned(kid))).toBe(401);
    expect(await ask(valid())).toBe(404);
  });

  test("may name one that is new", async () => {
    expect(await ask(valid())).toBe(404);
    answer = publishes({ first: first.publicKey, second: second.publicKey });
    await until(async () => (await ask(signed("second", second.privateKey, "ES256"))) === 404);
    expect(await ask(valid())).toBe(404);
  });
});

describe("a key set that cannot be read is a 503, and no more, until it can be", () => {
  const endless: RequestListener = (_, response) => {
    const more = () => {
      while (response.write("x".repeat(65_536)));
    };
    response.on("drain", more);
    more();
  };
  const wrong: [what: string, answer: RequestListener][] = [
    ["without end", endless],
    ["of two MiB", (_, response) => response.end(`{"keys":[],"x":"${"x".repeat(2 ** 21)}"}`)],
    ["that is no JSON", (_, response) => response.end("<html>")],
    ["that is no key set", (_, response) => response.end('{"keys":7}')],
    ["that is a failure", (_, response) => response.writeHead(500).end()],
    [
      "that ends too early",
      (_, response) => response.writeHead(200, { "content-length": "9" }).end("{", () => response.destroy()),
    ],
  ];
  test.each(wrong)("%s", async (_, listener) => {
    const good = answer;
    answer = listener;
    const before = process.memoryUsage().rss;
    expect(await ask(valid())).toBe(503);
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 29);
    answer = good;
    await until(async () => (await ask(valid())) === 404);
  });

  test.each(wrong)("%s, and keys that are known go on counting", async (_, listener) => {
    expect(await ask(valid())).toBe(404);
    answer = listener;
    expect([401, 503]).toContain(await ask(unsigned("unknown")));
    expect(await ask(signed("first", first.privateKey))).toBe(404);
  });
});
