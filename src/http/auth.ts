import type { Request, RequestHandler } from "express";
import { expressjwt, type GetVerificationKey, type Params, UnauthorizedError } from "express-jwt";
import type { JwtPayload } from "jsonwebtoken";
import type { KeyObject } from "node:crypto";
import jwt from "jsonwebtoken";
import { secretKey } from "../identity/secret-key.ts";
import type { AuthConfig, KeySet } from "../config.ts";
import { Problem } from "../errors.ts";
import type { Caller } from "../identity/caller.ts";
import { tokenClaims } from "../identity/claims.ts";
import { VerifiedTokens } from "../identity/verified-tokens.ts";
import { signingKeys } from "./signing-keys.ts";

const callers = new WeakMap<Request, Caller>();

/** Lets a request pass with a valid bearer token, and remembers who it is from. */
export function authenticate(config: AuthConfig): RequestHandler {
  const verify = expressjwt({
    ...keyOf(config),
    issuer: [config.issuer, ...(config.otherIssuers ?? [])],
    audience: config.audience,
    requestProperty: "auth",
  });
  const tokens = new VerifiedTokens();
  return (request: Request & { auth?: JwtPayload }, response, next) => {
    // Node keeps the first of several; a proxy may have looked at another one.
    if ((request.headersDistinct.authorization ?? []).length > 1)
      throw new Problem("unauthorized", "invalid bearer token", ["Authorization: more than one"]);
    const authorization = request.headers.authorization ?? "";
    const known = tokens.callerOf(authorization);
    if (known) {
      callers.set(request, known);
      next();
      return;
    }
    verify(request, response, (error?: unknown) => {
      if (error) return next(error instanceof UnauthorizedError ? unauthorized(config, request, error) : error);
      // A token may name what must be understood of its header. Of that, nothing is.
      if (jwt.decode(tokenIn(authorization), { complete: true })?.header.crit !== undefined)
        return next(new Problem("unauthorized", "invalid bearer token"));
      const claims = tokenClaims.safeParse(request.auth);
      if (!claims.success)
        return next(new Problem("unauthorized", "invalid bearer token", ["token: needs a printable sub and an exp"]));
      const { sub, exp, groups, projects, scopes } = claims.data;
      const caller = { actor: sub, groups, projects, scopes };
      tokens.remember(authorization, caller, exp);
      callers.set(request, caller);
      next();
    });
  };
}

const tokenIn = (authorization = ""): string => authorization.replace(/^Bearer /i, "");

/** Undefined before the request is authenticated. */
export const knownCaller = (request: Request): Caller | undefined => callers.get(request);

export function callerOf(request: Request): Caller {
  const caller = knownCaller(request);
  if (!caller) throw new Problem("unauthorized", "invalid or missing bearer token");
  return caller;
}

/** The algorithms are pinned by the kind of key: a token never chooses how it is checked. */
function keyOf(config: AuthConfig): Pick<Params, "secret" | "algorithms"> {
  if ("keySets" in config) return { secret: keyOfSets(config.keySets), algorithms: ["RS256", "ES256"] };
  const [key, former] = [secretKey(config.secret), (config.formerSecrets ?? []).map(secretKey)];
  return { secret: former.length > 0 ? keyThatSigned([key, ...former]) : key, algorithms: ["HS256"] };
}

/** The secret that the token is signed with, else any: the token is refused all the same. */
const keyThatSigned =
  (keys: KeyObject[]): GetVerificationKey =>
  ({ headers }) => {
    const token = tokenIn(headers.authorization);
    const hasSigned = (key: KeyObject) => {
      try {
        return jwt.verify(token, key, { algorithms: ["HS256"], ignoreExpiration: true, ignoreNotBefore: true });
      } catch {
        return undefined;
      }
    };
    return keys.find(hasSigned) ?? keys[0];
  };

/** A key set counts for its own issuers, and one that can't be fetched holds up no token of another one. */
function keyOfSets(keySets: KeySet[]): GetVerificationKey {
  const sets = keySets.map(({ uri, issuers }) => ({ issuers, keyOf: signingKeys(uri) }));
  return async (request, token) => {
    const { iss = "" } = (token?.payload ?? {}) as JwtPayload;
    const own = sets.filter(({ issuers }) => issuers.includes(iss));
    let failure: unknown;
    // Of an unknown issuer it is told only if somebody known has signed it.
    for (const { keyOf } of own.length > 0 ? own : sets) {
      try {
        const key = await keyOf(request, token);
        if (key) return key;
      } catch (error) {
        failure = error;
      }
    }
    if (failure) throw failure;
    return undefined;
  };
}

function unauthorized(config: AuthConfig, request: Request, error: UnauthorizedError): Problem {
  const authorization = request.get("Authorization") ?? "";
  if (authorization === "") return new Problem("unauthorized", "invalid or missing bearer token");
  if (/^Bearer strait_/i.test(authorization)) return new Problem("unauthorized", "invalid api key");
  const reason = reasonOf(error.inner);
  const isOfOtherSecret = reason === OTHER_KEY && "secret" in config && config.isMadeHere;
  const detail = isOfOtherSecret ? OTHER_DATA_DIR : reason === EXPIRED ? reason : undefined;
  const problem = new Problem("unauthorized", "invalid bearer token", detail ? [`token: ${detail}`] : undefined);
  // For the log.
  problem.cause = reason && `token: ${reason}`;
  return problem;
}

const EXPIRED = "expired";
const OTHER_KEY = "signed with another key than this server's";
/** Two servers of one machine have a DATA_DIR each, and their tokens look alike. */
const OTHER_DATA_DIR =
  "signed with another secret than the one in this server's DATA_DIR: make one with `npm run token` and the same DATA_DIR";

/** Why a token is refused, in words that hold nothing of the token. */
function reasonOf(error: unknown): string | undefined {
  if (error instanceof jwt.TokenExpiredError) return EXPIRED;
  if (error instanceof jwt.NotBeforeError) return "not valid yet";
  if (!(error instanceof jwt.JsonWebTokenError)) return undefined;
  if (error.message === "invalid signature") return OTHER_KEY;
  const [, claim] = /^jwt (audience|issuer) invalid/.exec(error.message) ?? [];
  if (error.message === "invalid algorithm") return "signed with an algorithm that this server does not take";
  if (/malformed|^invalid token/.test(error.message)) return "not a JWT";
  if (claim) return `its ${claim} is not the one that this server expects (JWT_${claim.toUpperCase()})`;
  return undefined;
}
