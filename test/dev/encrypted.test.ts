import { writeFileSync } from "node:fs";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { migrate } from "../../src/store/postgres/migrate.ts";
import { type Authority, makeAuthority, type Signed } from "../stack/tls/certificates.ts";
import { temporalOverTls, temporalWithKey } from "../stack/guarded-temporal.ts";
import { requestTo, type Stack, startStack } from "../stack/harness.ts";
import { postgresShowing } from "../stack/tls/postgres-showing.ts";
import { type OwnServer, startOwnPostgres } from "../stack/own-servers.ts";
import { endOf, startApiProcess, startWorkerProcess } from "../stack/processes.ts";
import { type Scenario, scenarioOn } from "../stack/scenario.ts";

let stack: Stack;
let authority: Authority;
let stranger: Authority;
beforeAll(async () => {
  authority = makeAuthority();
  stranger = makeAuthority();
  stack = await startStack({ worker: false });
});
afterAll(async () => {
  await stack.stop();
  authority.remove();
  stranger.remove();
});

/** How an API process that can't go on ends. Port 1 can't be listened on. */
async function sentenceOf(variables: Record<string, string>): Promise<string> {
  const { code, stdout, stderr } = await endOf(stack, ["src/boot.mjs", "src/api.ts"], { PORT: "1", ...variables });
  expect({ code, stdout }).toEqual({ code: 1, stdout: expect.not.stringContaining("listening") });
  return stderr.trim();
}

const replay = (runId: string, variables: Record<string, string>) =>
  endOf(stack, ["--import", "tsx", "src/cli/replay.ts", runId], variables);

describe("Temporal", () => {
  const KEY = "the-key-of-a-test";
  let overTls: Awaited<ReturnType<typeof temporalOverTls>>;
  let named: typeof overTls;
  let expired: typeof overTls;
  let keyed: typeof overTls;
  let client: Signed;
  let origin = "";
  let on: Scenario;
  beforeAll(async () => {
    const { temporalAddress } = stack.config;
    client = authority.sign("client");
    on = scenarioOn({ ...stack, request: (...asked) => requestTo(origin, stack.token)(...asked) });
    overTls = await temporalOverTls(temporalAddress, authority);
    named = await temporalOverTls(temporalAddress, authority, { altNames: "DNS:temporal.example" });
    expired = await temporalOverTls(temporalAddress, authority, { days: -1 });
    keyed = await temporalWithKey(temporalAddress, KEY);
  });
  afterAll(() => {
    for (const way of [overTls, named, expired, keyed]) way.close();
  });

  const ofClient = () => ({ TEMPORAL_TLS_CLIENT_CERT_PATH: client.cert, TEMPORAL_TLS_CLIENT_KEY_PATH: client.key });
  const trusting = ({ cert }: Authority) => ({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: cert });
  const ways: [string, () => Record<string, string>][] = [
    [
      "over TLS, with client certificates",
      () => ({ TEMPORAL_ADDRESS: overTls.address, ...trusting(authority), ...ofClient() }),
    ],
    [
      "under another name",
      () => ({
        TEMPORAL_ADDRESS: named.address,
        TEMPORAL_TLS_SERVER_NAME: "temporal.example",
        ...{ ...trusting(authority), ...ofClient() },
      }),
    ],
    ["with a key", () => ({ TEMPORAL_ADDRESS: keyed.address, TEMPORAL_API_KEY: KEY, TEMPORAL_TLS: "false" })],
  ];
  test.each(ways)("%s is used by API, worker and replay", async (_, variables) => {
    const api = await startApiProcess(stack, variables());
    const worker = await startWorkerProcess(stack, "src/worker.ts", variables());
    origin = api.origin;
    const run = await on.start([{ step_ref: "call", calls: "/ok" }]);
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    const replayed = await replay(run.id, variables());
    expect(replayed).toMatchObject({ code: 0, stdout: expect.stringContaining("replays cleanly"), stderr: "" });
    await worker.stop();
    await api.stop();
  });

  test("what it refuses, and what is wrong with it, is told at once in one sentence", async () => {
    const tls = { TEMPORAL_ADDRESS: overTls.address };
    const key = { TEMPORAL_ADDRESS: keyed.address, TEMPORAL_TLS: "false" };
    const cases: [Record<string, string>, string][] = [
      [
        { ...tls, ...ofClient() },
        `Temporal at ${overTls.address} has a certificate that is not trusted (UnknownIssuer): set TEMPORAL_TLS_SERVER_CA_CERT_PATH to that of its authority.`,
      ],
      [
        { ...tls, ...trusting(authority) },
        `Temporal at ${overTls.address} asks for a client certificate: set TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH.`,
      ],
      [
        { TEMPORAL_ADDRESS: named.address, ...trusting(authority), ...ofClient() },
        `Temporal at ${named.address} has a certificate for another name: set TEMPORAL_TLS_SERVER_NAME to one that it is for.`,
      ],
      [
        { TEMPORAL_ADDRESS: expired.address, ...trusting(authority), ...ofClient() },
        `Temporal at ${expired.address} has a certificate that is not valid now (Expired): renew it, or its authority's.`,
      ],
      [
        { TEMPORAL_TLS: "true" },
        `Temporal at ${stack.config.temporalAddress} does not encrypt: set TEMPORAL_TLS to false, and nothing that goes with it.`,
      ],
      [key, `Temporal at ${keyed.address} asks for a key: set TEMPORAL_API_KEY.`],
      [{ ...key, TEMPORAL_API_KEY: "x" }, `Temporal at ${keyed.address} refuses the key of TEMPORAL_API_KEY.`],
    ];
    for (const [variables, sentence] of cases) expect(await sentenceOf(variables)).toBe(sentence);
    const replayed = await replay(crypto.randomUUID(), key);
    expect(replayed).toMatchObject({
      code: 2,
      stderr: `Temporal at ${keyed.address} asks for a key: set TEMPORAL_API_KEY.\n`,
    });
  });
});

describe("PostgreSQL", () => {
  let postgres: OwnServer & { templateUrl: string };
  const withParameters = (given: string, parameters: Record<string, string>) => {
    const url = new URL(given);
    url.search = "";
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return url.href;
  };
  const encrypted = (parameters: Record<string, string>) => withParameters(postgres.templateUrl, parameters);
  const verified = () => encrypted({ sslmode: "verify-full", sslrootcert: authority.cert });
  beforeAll(async () => {
    const { cert, key } = authority.sign("postgres");
    const settings = ["ssl=on", `ssl_cert_file=${cert}`, `ssl_key_file=${key}`, `ssl_ca_file=${authority.cert}`];
    postgres = await startOwnPostgres(settings);
    const admin = new pg.Client(postgres.templateUrl);
    await admin.connect();
    const { rows } = await admin.query<{ hba_file: string }>("show hba_file");
    writeFileSync(rows[0]?.hba_file ?? "", "hostssl all all 127.0.0.1/32 scram-sha-256\n");
    await admin.query("select pg_reload_conf()");
    await admin.end();
  });
  afterAll(() => postgres.remove());

  test("is encrypted on every connection: pools, migrations and notifications", async () => {
    await migrate(verified());
    const own = await startStack({ servers: { templateUrl: verified() } });
    const on = scenarioOn(own);
    const run = await on.start([{ step_ref: "call", calls: "/ok" }]);
    expect(await on.ends(run)).toMatchObject({ status: "completed" });
    const { rows } = await own.deps.db.query<{ ssl: boolean; listens: boolean }>(
      `select ssl, query like 'listen%' as listens from pg_stat_ssl join pg_stat_activity using (pid)
       where datname = current_database()`,
    );
    expect(rows.map(({ ssl }) => ssl)).toEqual(rows.map(() => true));
    expect(rows.some(({ listens }) => listens)).toBe(true);
    await own.stop();
  });

  test("what it refuses, and what is wrong with it, is told at once in one sentence", async () => {
    const { host: at } = new URL(postgres.templateUrl);
    const { host: plain } = new URL(stack.config.databaseUrl);
    const untrusted = (reason: string) =>
      `PostgreSQL at ${at} has a certificate that is not trusted (${reason}): DATABASE_URL names its authority's with sslrootcert.`;
    const underAnotherName = new URL(verified());
    underAnotherName.hostname = "localhost";
    const expired = await postgresShowing(authority.sign("expired", { days: -1 }));
    const [ofAuthority, ofStranger] = [authority, stranger].map((by) => by.sign("client"));
    const showing = (client?: Signed) => ({ PGSSLCERT: client?.cert ?? "", PGSSLKEY: client?.key ?? "" });
    const wrongPassword = new URL(verified());
    wrongPassword.password = "x";
    const cases: [Record<string, string>, string][] = [
      [
        { DATABASE_URL: underAnotherName.href },
        `PostgreSQL at ${underAnotherName.host} has a certificate for another name (Host: localhost. is not cert's CN: postgres): DATABASE_URL has to name the host as its certificate does.`,
      ],
      [
        { DATABASE_URL: verified().replace(at, expired.at) },
        `PostgreSQL at ${expired.at} has a certificate that is not valid now (certificate has expired): renew it, or its authority's.`,
      ],
      [
        { DATABASE_URL: verified(), ...showing(ofStranger) },
        `PostgreSQL at ${at} refuses the client certificate that DATABASE_URL names with sslcert (tlsv1 alert unknown ca).`,
      ],
      [
        { DATABASE_URL: wrongPassword.href, ...showing(ofAuthority) },
        `PostgreSQL at ${at} refuses the user, the password or the client certificate of DATABASE_URL.`,
      ],
      [
        { DATABASE_URL: postgres.templateUrl },
        `PostgreSQL at ${at} takes encrypted connections only: add sslmode=verify-full to DATABASE_URL.`,
      ],
      [{ DATABASE_URL: encrypted({ sslmode: "require" }) }, untrusted("self-signed certificate in certificate chain")],
      [
        { DATABASE_URL: encrypted({}), PGSSLROOTCERT: stranger.cert },
        untrusted("self-signed certificate in certificate chain"),
      ],
      [
        { DATABASE_URL: withParameters(stack.config.databaseUrl, {}), PGSSLMODE: "require" },
        `PostgreSQL at ${plain} does not encrypt: take sslmode and sslrootcert out of DATABASE_URL, unset PGSSLMODE and PGSSLROOTCERT, or turn its ssl on.`,
      ],
    ];
    for (const [variables, sentence] of cases) expect(await sentenceOf(variables)).toBe(sentence);
    expired.close();
  });
});
