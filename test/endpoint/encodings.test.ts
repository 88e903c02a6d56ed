import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type JobEndpoint, startJobEndpoint } from "../stack/job-endpoint.ts";
import { answeredBy, encoded } from "./called.ts";
import { timesAsLong } from "../stack/cost.ts";

let jobs: JobEndpoint;
beforeAll(async () => {
  jobs = await startJobEndpoint();
});
afterAll(() => jobs.close());

const answered = answeredBy(() => jobs);

const JSON_TEXT = '{"name":"Jörg €","n":0.12345678901234567890}';

describe("Content-Encoding", () => {
  const gzip = gzipSync(JSON_TEXT);
  const br = brotliCompressSync(JSON_TEXT);
  test.each([
    ["gzip", gzip],
    ["GZIP", gzip],
    ["x-gzip", gzip],
    ["br", br],
    ["identity", Buffer.from(JSON_TEXT)],
    ["", Buffer.from(JSON_TEXT)],
    ["gzip, br", brotliCompressSync(gzip)],
    ["br,identity, gzip", gzipSync(br)],
  ])("%s is decoded", async (names, body) => {
    expect(await answered(encoded(names, body))).toBe(JSON_TEXT);
    expect(jobs.callsTo("/answer").at(-1)?.headers["accept-encoding"]).toBe("gzip, br");
  });

  test.each(["deflate", "zstd", "gzip, compress", "constructor", "aes128gcm"])("%s fails the step", async (names) => {
    await expect(answered(encoded(names, deflateSync(JSON_TEXT)))).rejects.toMatchObject({
      class: "client",
      message: `endpoint response has Content-Encoding ${names}; only gzip and br can be decoded`,
    });
  });

  test("of more than three layers fails the step", async () => {
    const four = [1, 2, 3, 4].reduce((body) => gzipSync(body), Buffer.from("{}"));
    await expect(answered(encoded("gzip, gzip, gzip, gzip", four))).rejects.toMatchObject({ class: "client" });
  });

  test.each([
    ["that is something else", "gzip", Buffer.from(JSON_TEXT)],
    ["that ends too early", "gzip", gzip.subarray(0, 20)],
    ["with something behind it", "gzip", Buffer.concat([gzip, Buffer.from("junk")])],
    ["whose checksum is wrong", "gzip", Buffer.concat([gzip.subarray(0, -8), Buffer.alloc(8)])],
    ["of the other kind", "br", gzip],
    ["that lacks a layer", "gzip, br", br],
  ])("%s is a damaged answer, which another try may mend", async (_, names, body) => {
    const message = `endpoint response is damaged: it is not valid ${names}`;
    await expect(answered(encoded(names, body))).rejects.toMatchObject({ class: "transient", message });
  });

  test.each(["gzip", "br", "zstd"])("%s of no body at all is an empty answer", async (names) => {
    expect(await answered(encoded(names, Buffer.alloc(0)))).toBeUndefined();
    expect(await answered({ ...encoded(names, Buffer.alloc(0)), status: 204 })).toBeUndefined();
  });

  test.each([
    ["gzip", gzipSync(Buffer.alloc(300_000_000))],
    ["br", brotliCompressSync(Buffer.alloc(300_000_000), { params: { 1: 1 } })],
    ["gzip, gzip", gzipSync(gzipSync(Buffer.alloc(300_000_000)))],
  ])("%s that unpacks to 300 MB is too large, and not unpacked", async (names, body) => {
    const refused = () =>
      expect(answered(encoded(names, body))).rejects.toMatchObject({
        class: "client",
        message: "endpoint response is larger than 1 MiB",
      });
    const mib = encoded("gzip", gzipSync(`"${"a".repeat(1_000_000)}"`));
    expect(await timesAsLong(refused, () => answered(mib))).toBeLessThan(20);
  });

  test("the limit is of what it unpacks to", async () => {
    const text = `"${"a".repeat(1_048_574)}"`;
    expect(await answered(encoded("gzip", gzipSync(text)))).toBe(text);
    await expect(answered(encoded("gzip", gzipSync(`${text} `)))).rejects.toMatchObject({
      message: /larger than 1 MiB/,
    });
  });

  test("of a refusal is decoded for its message, and never hides its status", async () => {
    const refused = (names: string, body: Buffer) => answered({ ...encoded(names, body), status: 503 });
    const failure = (message: string | RegExp) => ({ class: "server", message });
    await expect(refused("gzip", gzipSync("out of päper"))).rejects.toMatchObject(
      failure("endpoint returned 503: out of päper"),
    );
    await expect(refused("zstd", Buffer.from("(µ/ý"))).rejects.toMatchObject(
      failure(/^endpoint returned 503: \(.*Content-Encoding zstd/),
    );
    await expect(refused("br", Buffer.from("no"))).rejects.toMatchObject(
      failure(/^endpoint returned 503: \(.*damaged/),
    );
    await expect(refused("gzip", gzipSync(Buffer.alloc(50_000_000, "a")))).rejects.toMatchObject(
      failure(/^endpoint returned 503: a{4000}/),
    );
  });
});

describe("charset", () => {
  const utf16be = Buffer.from(JSON_TEXT, "utf16le").swap16();
  test.each([
    ["application/json", Buffer.from(JSON_TEXT)],
    ["application/problem+json; charset=utf-8", Buffer.from(JSON_TEXT)],
    ['application/json;charset="UTF8"', Buffer.from(JSON_TEXT)],
    ["application/json; charset=utf-16", Buffer.from(JSON_TEXT, "utf16le")],
    ["application/json; charset=utf-16be", utf16be],
    ["application/json; charset=utf-16", Buffer.from(`\ufeff${JSON_TEXT}`, "utf16le").swap16()],
    ["application/json", Buffer.from(`\ufeff${JSON_TEXT}`, "utf16le")],
    ["application/json; charset=iso-8859-1", Buffer.from(`\ufeff${JSON_TEXT}`)],
    ["application/json; charset=windows-1252", Buffer.from(JSON_TEXT.replace("€", "\x80"), "latin1")],
    ["text/plain; format=flowed; Charset = iso-8859-15", Buffer.from(JSON_TEXT.replace("€", "\xa4"), "latin1")],
    ["application/json; charset=", Buffer.from(JSON_TEXT)],
  ])("%s is read", async (type, body) => {
    expect(await answered({ headers: { "content-type": type }, body })).toBe(JSON_TEXT);
  });

  test.each([
    ["text/plain; charset=iso-8859-1", Buffer.from("caf\xe9 \x93", "latin1"), "café “"],
    ["text/html; charset=shift_jis", Buffer.from([0x93, 0xfa, 0x96, 0x7b]), "日本"],
    ["text/plain; charset=koi8-r", Buffer.from([0xf0, 0xd2]), "Пр"],
  ])("%s that is no JSON is text", async (type, body, text) => {
    expect(await answered({ headers: { "content-type": type }, body })).toBe(JSON.stringify(text));
  });

  test.each(["utf-7", "utf-32", "ebcdic", "x-user-defined"])("%s is unknown, and fails the step", async (charset) => {
    const type = `text/plain; charset=${charset}`;
    await expect(answered({ headers: { "content-type": type }, body: "a" })).rejects.toMatchObject({
      class: "client",
      message: `endpoint response has an unknown charset: ${charset}`,
    });
    expect(await answered({ headers: { "content-type": type }, body: "" })).toBeUndefined();
  });

  test.each([
    ["application/json", Buffer.from('{"name":"caf\xe9"}', "latin1"), "utf-8"],
    ["image/png", Buffer.from([0x89, 0x50, 0x4e, 0x47]), "utf-8"],
    ["application/json; charset=utf-16le", Buffer.from('{"a":1}'), "utf-16le"],
    ["application/json; charset=utf-16", Buffer.from([0x22, 0, 0, 0xd8, 0x22, 0]), "utf-16le"],
    ["text/plain; charset=shift_jis", Buffer.from([0x81]), "shift_jis"],
  ])("bytes that are none of it fail the step instead of being replaced: %s", async (type, body, charset) => {
    await expect(answered({ headers: { "content-type": type }, body })).rejects.toMatchObject({
      class: "client",
      message: `endpoint response is not valid ${charset} (Content-Type ${type})`,
    });
  });

  test("of a refusal is read for its message", async () => {
    const latin = {
      headers: { "content-type": "text/plain; charset=iso-8859-1" },
      body: Buffer.from("caf\xe9", "latin1"),
    };
    await expect(answered({ ...latin, status: 400 })).rejects.toMatchObject({ message: "endpoint returned 400: café" });
    const odd = { headers: { "content-type": "text/plain; charset=nonsense" }, body: Buffer.from("caf\xe9", "latin1") };
    await expect(answered({ ...odd, status: 400 })).rejects.toMatchObject({
      message: "endpoint returned 400: caf\uFFFD",
    });
  });
});
