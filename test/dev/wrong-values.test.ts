import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { WRONG_TRACING } from "./wrong-tracing.ts";
import { ConfigError, loadConfig, loadDevConfig, VARIABLES } from "../../src/config.ts";

const REQUIRED = { DATABASE_URL: "postgres://u@h/d", TEMPORAL_ADDRESS: "temporal:7233", JWT_SECRET: "s".repeat(32) };
const DEV = ["POSTGRES_PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT", "EXAMPLE_JOBS_PORT", "DATA_DIR", "XDG_CACHE_HOME"];

type Variables = Record<string, string>;

function load(variables: Variables) {
  const env = { ...REQUIRED, ...variables };
  for (const name of Object.keys(variables)) if (name.endsWith("_FILE")) Reflect.deleteProperty(env, name.slice(0, -5));
  return DEV.some((name) => name in variables) ? loadDevConfig(env) : loadConfig(env);
}

const SPACED = [" ", " a", "a ", "a\n", "a\r\nb", "a\tb", "\u0001"];
const LONG = "s".repeat(32);
const SECRETS = ["short", " ".repeat(32), `${"s".repeat(31)} `, "\t".repeat(40), `${LONG}\u0000`];
const missing = "/nowhere/file";
const unread = `can't be read: ENOENT: no such file or directory, open '${missing}'`;
const LINE = "without spaces at its ends and without control characters";

const urls = (scheme: string) =>
  ["", ":", "://", ":h", ":/h", ":///", "://h ", "://h\n", "://h\n.x/", "://a b", "://h:99999", "://h:0", "://:80"]
    .map((rest) => `${scheme}${rest}`)
    .concat(" ", ` ${scheme}://h`, "ftp://h", "h");

/** Of variables of a kind: wrong values, and what is said of each. */
const KINDS: [names: string[], values: string[], sentence: string][] = [
  [
    ["HOST", "TEMPORAL_TLS_SERVER_NAME"],
    [...SPACED, "http://a", "1.2.3.4:80", "[::1]", "256.0.0.1", "é", "a..b"],
    "must be the name of a host, or an IP address",
  ],
  [
    ["PORT", "METRICS_PORT", "WORKER_PORT", ...DEV.filter((name) => name.endsWith("_PORT"))],
    ["http", "0", "70000", " ", " 80 ", "0x50", "1e2", "+5", "1.0", "-1", "9".repeat(30), "Infinity", "80\n"],
    "must be a whole number from 1 to 65535",
  ],
  [["DATABASE_POOL_SIZE"], ["1.5", "0", " ", "1001"], "must be a whole number from 1 to 1000"],
  [["MAX_STEPS"], ["10001", " ", "1e2"], "must be a whole number from 1 to 10000"],
  [["DRAIN_SECS"], ["-1", " ", "0x10", "86401"], "must be a whole number from 0 to 86400"],
  [
    ["DATABASE_URL"],
    [...urls("postgres"), "mysql://h/d", "postgres://u@/d"],
    "must be a URL like postgres://user:password@host/database, without spaces",
  ],
  [
    ["PUBLIC_URL"],
    [...urls("https"), "runs.example", "https://u:%e9@h"],
    "must be a URL like https://runs.example, without spaces",
  ],
  [["PUBLIC_URL"], ["https://runs.example/?a=1", "https://runs.example/#a"], "must have no query and no fragment"],
  [
    ["SMTP_URL"],
    [...urls("smtp"), "mail.example:25"],
    "must be a URL like smtp://user:password@mail.example:587, without spaces",
  ],
  [
    ["MAIL_FROM"],
    [
      ...SPACED,
      "x",
      "a@",
      "@b",
      "A <>",
      "A a@b",
      "A <a b@c>",
      "A <a@b>\r\nBcc: x@y",
      "a@b, c@d",
      "A, B <a@b>",
      "a@b <c@d>",
    ],
    "must be like runs@example.com, or Runs <runs@example.com>",
  ],
  [
    ["PGSSLMODE"],
    ["on", " ", "require "],
    "must be one of disable, prefer, require, verify-ca, verify-full, no-verify",
  ],
  [
    [
      "PGSSLROOTCERT",
      "PGSSLCERT",
      "PGSSLKEY",
      "TEMPORAL_TLS_CLIENT_CERT_PATH",
      "TEMPORAL_TLS_CLIENT_KEY_PATH",
      "TEMPORAL_TLS_SERVER_CA_CERT_PATH",
      "DATABASE_URL_FILE",
      "JWT_SECRET_FILE",
      "RUN_TOKEN_SECRET_FILE",
      "TEMPORAL_API_KEY_FILE",
      "SMTP_URL_FILE",
    ],
    [missing],
    unread,
  ],
  [
    ["TEMPORAL_ADDRESS"],
    [
      "temporal",
      "http://temporal:7233",
      "temporal:70000",
      ":7233",
      "tem poral:7233",
      "temporal:7233/",
      " ",
      "a:1 ",
      "\u0001a:1",
      "a:0",
      "[:::]:1",
      "::1:7233",
      "256.0.0.1:7233",
    ],
    "must be host:port",
  ],
  [
    ["TEMPORAL_NAMESPACE", "JWT_AUDIENCE", "OTEL_SERVICE_NAME", "DATA_DIR", "XDG_CACHE_HOME"],
    SPACED,
    `must be one line ${LINE}`,
  ],
  [["TEMPORAL_TLS", "ALLOW_PRIVATE_ENDPOINTS"], ["yes", "1", "TRUE", " ", "true\n"], "must be one of true, false"],
  [["TEMPORAL_API_KEY"], ["a key", " ", "key\n", "é"], "must be printable ASCII without spaces"],
  [
    ["JWT_SECRET"],
    [...SECRETS, `${LONG}\nshort`, `${LONG}\n${" ".repeat(32)}`, "\n"],
    `must have at least 32 characters in each of its lines, each ${LINE}`,
  ],
  [["RUN_TOKEN_SECRET"], [...SECRETS, `${LONG}\n`, `${LONG}\n${LONG}`], `must have at least 32 characters, ${LINE}`],
  [["JWT_ISSUER"], [",", " ", "a\nb", "a,\u0001"], "must be a name, or several with commas between them"],
  [
    ["CORS_ORIGINS"],
    [
      "a.example",
      "https://a.example/",
      "https://A.example",
      "https://*.example",
      "null",
      ",",
      " ",
      "ftp://a.example",
      "http://a:80",
      "https://a\nhttps://b",
    ],
    "must be origins like https://app.example, with commas between them, or *",
  ],
  [["LOG_LEVEL"], ["loud", "INFO", " "], "must be one of fatal, error, warn, info, debug, trace, silent"],
  [["LOG_FORMAT"], ["xml", " "], "must be one of json, pretty"],
];

const ofKinds = KINDS.flatMap(([names, values, sentence]) =>
  names.flatMap((name) => values.map((value): [Variables, string] => [{ [name]: value }, `${name} ${sentence}`])),
);

const JWKS =
  "must be a URL like https://id.example/keys, without spaces and without a user, or several with commas between them";

const WRONG: [variables: Variables, sentence: string][] = [
  ...ofKinds,
  ...["https:h", "https://id.example/keys,id.example", ",", "https://u:p@id.example", "https://h\n.x/"].map(
    (uris): [Variables, string] => [{ JWT_SECRET: "", JWKS_URI: uris }, `JWKS_URI ${JWKS}`],
  ),
  [
    { DATABASE_URL: "postgres://h/d?sslmode=on" },
    "DATABASE_URL: its sslmode must be one of disable, prefer, require, verify-ca, verify-full, no-verify",
  ],
  [{ DATABASE_URL: `postgres://h/d?sslrootcert=${missing}` }, `DATABASE_URL: its sslrootcert ${unread}`],
  [{ DATABASE_URL: "postgres://h/d?sslmode=disable&sslmode=verify-full" }, "DATABASE_URL: it has sslmode twice"],
  [{ DATABASE_URL: "postgres://h/d?port=70000" }, "DATABASE_URL: its port must be a whole number from 1 to 65535"],
  [{ DATABASE_URL: "postgres://u:p%e9@h/d" }, "DATABASE_URL: its percent signs must stand for UTF-8"],
  [
    { TEMPORAL_TLS: "false", TEMPORAL_TLS_SERVER_NAME: "a" },
    "TEMPORAL_TLS is false, but TEMPORAL_TLS_SERVER_NAME is set: unset one of them",
  ],
  // What is right with it: test/rules/retention.test.ts
  [{ RETENTION: "completed" }, 'RETENTION has "completed" where it needs something like completed=30d'],
  ...WRONG_TRACING,
];

test.each(WRONG)("a wrong value is told in one sentence that names the variable: %j", (variables, sentence) => {
  expect(() => load(variables)).toThrow(new ConfigError(`Wrong configuration: ${sentence}.`));
});

test("each variable is among them, and in .env.example", () => {
  const told = new Set(WRONG.flatMap(([variables]) => Object.keys(variables)));
  expect([...told].sort()).toEqual([...VARIABLES].sort());
  const example = readFileSync(".env.example", "utf8");
  expect(VARIABLES.filter((name) => !new RegExp(`^${name}=`, "m").test(example))).toEqual([]);
});

test.each<[string, string[]]>([
  ["HOST", ["0.0.0.0", "::1", "localhost", "my_host.example."]],
  ["PORT", ["1", "65535", "0080"]],
  [
    "DATABASE_URL",
    [
      "postgres:///d",
      "postgresql://h",
      "postgres://%2Frun%2Fpg/d",
      "postgres:///?host=/run/pg",
      "postgres://u:100%@h/d",
    ],
  ],
  ["TEMPORAL_ADDRESS", ["[::1]:7233", "10.0.0.1:7233", "ns.acct.tmprl.cloud:7233"]],
  ["JWT_SECRET", [`${LONG}\n\n${LONG}\n`, `pass phrase ${LONG}`]],
  ["JWT_ISSUER", ["a,,b,", "https://id.example/"]],
  ["PUBLIC_URL", ["https://runs.example/base/", "HTTP://localhost:8080"]],
  ["SMTP_URL", ["smtp://h", "smtps://u:p%40@h:465?pool=true"]],
  ["MAIL_FROM", ["a@b", "<a@b>", "A B <a@b>", "Ünï <a@b>", '"A, B" <a@b>']],
  ["CORS_ORIGINS", ["*", "https://a.example, http://localhost:3000,", "http://[::1]:3000"]],
])("%s may be each of %j", (name, values) => {
  for (const value of values) expect(() => load({ [name]: value })).not.toThrow();
});
