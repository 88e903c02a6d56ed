import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import jwt from "jsonwebtoken";
import pino from "pino";
import { afterEach, describe, expect, test } from "vitest";
import type { AuthConfig } from "../../src/config.ts";
import type { Deps } from "../../src/deps.ts";
import { createApp } from "../../src/http/app.ts";
import { serve } from "../../src/runtime/http-server.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** The status that a token is answered with: no id looks like that, so whoever may ask is told 404. */
async function asking(auth: AuthConfig): Promise<(token: string) => Promise<number>> {
  const config = { auth, corsOrigins: [] as string[], maxSteps: 1 };
  const api = await serve(createApp({ config, log: pino({ level: "silent" }) } as Deps), "127.0.0.1", 0);
  closing.push(() => api.close());
  return async (token) => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`http://127.0.0.1:${api.port}/v1/jobs/nope`, { headers });
    await response.arrayBuffer();
    return response.status;
  };
}

const claims = { projects: ["demo"], scopes: ["*"], sub: "ada", aud: "test" };

describe("several secrets", () => {
  const secrets = ["a".repeat(32), "b".repeat(32), "c".repeat(32)];
  const [secret = "", ...formerSecrets] = secrets;
  const auth = { issuer: "test", audience: "test", secret, formerSecrets };
  const signed = (by: string, more: object = {}) =>
    jwt.sign({ ...claims, iss: "test", ...more }, by, { expiresIn: 60 });

  test("each of them counts, and no other one", async () => {
    const ask = await asking(auth);
    for (const each of secrets) expect(await ask(signed(each))).toBe(404);
    expect(await ask(signed("d".repeat(32)))).toBe(401);
    expect(await ask("no.jwt.atall")).toBe(401);
  });

  test("what else a token has to be, it has to be with each of them", async () => {
    const ask = await asking(auth);
    for (const each of secrets) {
      expect(await ask(signed(each, { iss: "other" }))).toBe(401);
      expect(await ask(jwt.sign({ ...claims, iss: "test" }, each, { expiresIn: -1 }))).toBe(401);
      expect(await ask(jwt.sign({ ...claims, iss: "test" }, each, { expiresIn: 60, algorithm: "HS512" }))).toBe(401);
    }
  });

  test("of several issuers each counts", async () => {
    const ask = await asking({ ...auth, otherIssuers: ["second"] });
    expect(await ask(signed(secret, { iss: "second" }))).toBe(404);
    expect(await ask(signed(secret, { iss: "third" }))).toBe(401);
  });
});

describe("several key sets", () => {
  const first = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const second = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const signed = (iss: string, kid: string, { privateKey }: { privateKey: KeyObject }) =>
    jwt.sign({ ...claims, iss }, privateKey, { algorithm: "ES256", keyid: kid, expiresIn: 60 });

  async function published(
    kid: string,
    { publicKey }: { publicKey: KeyObject },
  ): Promise<{ uri: string; server: Server }> {
    const keys = [{ ...publicKey.export({ format: "jwk" }), kid, use: "sig" }];
    const server = createServer((_, response) => response.end(JSON.stringify({ keys }))).listen(0, "127.0.0.1");
    await once(server, "listening");
    closing.push(() => server.close());
    return { uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
  }

  const tokens = { issuer: "first", otherIssuers: ["second"], audience: "test" };

  test("each is for its own issuer's tokens", async () => {
    const [a, b] = [await published("a", first), await published("b", second)];
    const keySets = [
      { uri: a.uri, issuers: ["first"] },
      { uri: b.uri, issuers: ["second"] },
    ];
    const ask = await asking({ ...tokens, keySets });
    expect(await ask(signed("first", "a", first))).toBe(404);
    expect(await ask(signed("second", "b", second))).toBe(404);
    expect(await ask(signed("first", "b", second))).toBe(401);
    expect(await ask(signed("second", "a", first))).toBe(401);
    expect(await ask(signed("third", "a", first))).toBe(401);
  });

  test("each is for the one issuer, and one that is away holds up nobody else", async () => {
    const [a, b] = [await published("a", first), await published("b", second)];
    const issuers = ["first"];
    const keySets = [
      { uri: a.uri, issuers },
      { uri: b.uri, issuers },
    ];
    const ask = await asking({ ...tokens, keySets });
    a.server.close();
    expect(await ask(signed("first", "b", second))).toBe(404);
    expect(await ask(signed("first", "a", first))).toBe(503);
  });
});
