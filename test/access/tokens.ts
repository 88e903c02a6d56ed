import jwt from "jsonwebtoken";
import { stack } from "./every-route.ts";

type Token = Record<string, unknown>;

const inOneHour = () => Math.floor(Date.now() / 1000) + 3600;
const claims = (): Token => ({
  sub: "ada",
  projects: ["demo"],
  scopes: ["*"],
  iss: stack.config.auth.issuer,
  aud: stack.config.auth.audience,
  exp: inOneHour(),
});
const signed = (
  over: Token,
  secret = stack.config.auth.secret,
  algorithm: jwt.Algorithm = "HS256",
  header: Partial<jwt.JwtHeader> = {},
) =>
  jwt.sign(
    Object.fromEntries(Object.entries({ ...claims(), ...over }).filter(([, claim]) => claim !== undefined)),
    secret,
    {
      algorithm,
      header: { alg: algorithm, ...header },
      noTimestamp: true,
    },
  );
const scrambled = (token: string) => {
  const [head, , signature] = token.split(".");
  const root = Buffer.from(JSON.stringify({ ...claims(), sub: "root" })).toString("base64url");
  return [head, root, signature].join(".");
};

/** What no route with a scope takes, and what it says besides "invalid bearer token". */
export const BAD_TOKENS: Record<string, { header: () => string; error?: string; details?: string[] }> = {
  "no token": { header: () => "", error: "invalid or missing bearer token" },
  "an expired one": { header: () => `Bearer ${signed({ exp: inOneHour() - 3700 })}`, details: ["token: expired"] },
  "a wrong signature": { header: () => `Bearer ${signed({}, "a secret of somebody else, also 32 long")}` },
  "claims changed after signing": { header: () => `Bearer ${scrambled(signed({}))}` },
  "alg none": { header: () => `Bearer ${signed({}, "", "none")}` },
  "a header that has to be understood": {
    header: () => `Bearer ${signed({}, undefined, undefined, { crit: ["b64"] })}`,
  },
  "another algorithm": { header: () => `Bearer ${signed({}, undefined, "HS512")}` },
  "a wrong audience": { header: () => `Bearer ${signed({ aud: "somebody else" })}` },
  "no audience": { header: () => `Bearer ${signed({ aud: undefined })}` },
  "a wrong issuer": { header: () => `Bearer ${signed({ iss: "somebody else" })}` },
  "no issuer": { header: () => `Bearer ${signed({ iss: undefined })}` },
  "no end": {
    header: () => `Bearer ${signed({ exp: undefined })}`,
    details: ["token: needs a printable sub and an exp"],
  },
  nobody: {
    header: () => `Bearer ${signed({ sub: undefined })}`,
    details: ["token: needs a printable sub and an exp"],
  },
  "not yet valid": { header: () => `Bearer ${signed({ nbf: inOneHour() })}` },
  "no JWT": { header: () => "Bearer abc" },
  "another scheme": { header: () => `Basic ${Buffer.from("ada:secret").toString("base64")}` },
  "an api key": { header: () => "Bearer strait_abcdef", error: "invalid api key" },
};

export const bearer = (over: Token) => ({ authorization: `Bearer ${signed(over)}` });
