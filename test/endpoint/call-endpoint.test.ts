import { hostname } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import dns from "node:dns/promises";
import { callEndpoint, NotSent } from "../../activities/endpoint/call-endpoint.ts";
import { createEndpoints } from "../../activities/endpoint/endpoint-agent.ts";
import { isPublicAddress } from "../../src/rules/endpoint-url.ts";
import { type JobEndpoint, startJobEndpoint } from "../stack/job-endpoint.ts";
import { until } from "../stack/until.ts";

let jobs: JobEndpoint;
beforeAll(async () => {
  jobs = await startJobEndpoint();
});
afterAll(() => jobs.close());

const call = (url: string, { allowPrivate = true, timeoutSecs = 10, canceled = new AbortController().signal } = {}) =>
  callEndpoint(createEndpoints(allowPrivate), { url, headers: {}, timeoutSecs, canceled });

test.each([
  ['{"n":12345678901234567890, "b":1}', '{"n":12345678901234567890, "b":1}'],
  ["", undefined],
  ["not json \u0000", '"not json \\u0000"'],
])("an answer %j is the output %j", async (body, output) => {
  jobs.on("/answer", () => ({ status: 202, body }));
  expect(await call(jobs.url("/answer"))).toBe(output);
});

test.each([
  [500, "server", "endpoint returned 500: boom"],
  [429, "rate_limited", "endpoint returned 429: boom"],
  [403, "auth", "endpoint returned 403: boom"],
  [404, "client", "endpoint returned 404: boom"],
  [302, "client", "endpoint returned 302: redirects are not followed"],
])("an answer of %i fails as %s", async (status, failureClass, message) => {
  jobs.on("/refuse", () => ({ status, body: "boom", headers: { location: jobs.url("/elsewhere") } }));
  await expect(call(jobs.url("/refuse"))).rejects.toMatchObject({ class: failureClass, message });
  expect(jobs.callsTo("/elsewhere")).toEqual([]);
});

test("what an endpoint says of its failure is cut at 4 KiB, between characters", async () => {
  jobs.on("/long", () => ({ status: 500, body: "ä\0".repeat(5000) }));
  const { message } = await call(jobs.url("/long")).catch((error) => error);
  expect(Buffer.byteLength(message)).toBeLessThanOrEqual(4096);
  expect(message).toMatch(/^endpoint returned 500: (ä\uFFFD)+ä?$/);
});

test("an answer of more than 1 MiB is a failure that says so, not a cut answer", async () => {
  jobs.on("/huge", () => ({ body: "1".repeat(1_048_577) }));
  await expect(call(jobs.url("/huge"))).rejects.toMatchObject({ class: "client", message: /larger than 1 MiB/ });
});

test("an answer nested too deeply to be read again is a failure", async () => {
  jobs.on("/deep", () => ({ body: "[".repeat(400_000) + "]".repeat(400_000) }));
  await expect(call(jobs.url("/deep"))).rejects.toMatchObject({ class: "client", message: /nests deeper/ });
});

test("silence ends in a timeout, a closed port in a connection failure", async () => {
  jobs.on("/silent", () => new Promise(() => {}));
  const silent = call(jobs.url("/silent"), { timeoutSecs: 0.2 });
  await expect(silent).rejects.toMatchObject({ class: "timeout", message: "execution timed out" });
  await expect(call("http://127.0.0.1:1/")).rejects.toMatchObject({
    class: "connection",
    message: /connection refused/,
  });
});

test("a cancellation ends the call with its own reason", async () => {
  const controller = new AbortController();
  jobs.on("/left", () => new Promise(() => {}));
  const ended = expect(call(jobs.url("/left"), { canceled: controller.signal })).rejects.toThrow("canceled");
  await until(() => jobs.callsTo("/left").length === 1);
  controller.abort(new Error("canceled"));
  await ended;
});

test("a request that is unwanted once it has its connection is not sent, and the next one is", async () => {
  jobs.on("/late", () => ({ body: "7" }));
  const endpoints = createEndpoints(true);
  let isUnwanted = false;
  const { signal: canceled } = new AbortController();
  const late = { url: jobs.url("/late"), headers: {}, timeoutSecs: 10, canceled, isUnwanted: () => isUnwanted };
  const unsent = callEndpoint(endpoints, late);
  isUnwanted = true;
  await expect(unsent).rejects.toThrow(NotSent);
  isUnwanted = false;
  expect(await callEndpoint(endpoints, late)).toBe("7");
  expect(jobs.callsTo("/late").length).toBe(1);
});

test("what fails before it is sent is no failure of the endpoint's, once the request is unwanted", async () => {
  let isUnwanted = false;
  const { signal: canceled } = new AbortController();
  const refused = callEndpoint(createEndpoints(true), {
    ...{ url: "http://127.0.0.1:1/", headers: {}, timeoutSecs: 10, canceled, isUnwanted: () => isUnwanted },
  });
  isUnwanted = true;
  await expect(refused).rejects.toThrow(NotSent);
});

test.each([
  "http://127.0.0.1/",
  "http://0x7f.1/",
  "http://[::1]/",
  "http://[::ffff:10.0.0.1]/",
  "http://[::127.0.0.1]/",
  "http://[64:ff9b::127.0.0.1]/",
  "http://[2002:7f00:1::]/",
  "http://169.254.169.254/latest/meta-data",
  "http://100.64.0.1/",
  "http://[fd00::1]/",
  "http://localhost/",
])("without leave for private addresses %s is not called", async (url) => {
  await expect(call(url, { allowPrivate: false })).rejects.toMatchObject({
    class: "client",
    message: /private or loopback/,
  });
});

const own = await dns.lookup(hostname()).catch(() => undefined);

test.runIf(own && !isPublicAddress(own.address))(
  "a name that leads to a private address is found out when it is looked up",
  async () => {
    const inside = call(`http://${hostname()}/`, { allowPrivate: false });
    await expect(inside).rejects.toMatchObject({ class: "client", message: /private or loopback/ });
  },
);
