import { createSecretKey } from "node:crypto";
import jwt from "jsonwebtoken";

export interface Claims {
  sub: string;
  groups?: string[];
  projects: string[] | "*";
  scopes: string[];
}

/** Signs a bearer token as an identity provider would. */
export function mintToken(
  auth: { issuer: string; audience: string; secret: string },
  claims: Claims,
  expiresInSecs = 30 * 24 * 3600,
): string {
  // As a key: of a text, jsonwebtoken would first try to make a private key, which takes 0.7 ms.
  return jwt.sign(claims, createSecretKey(auth.secret, "utf8"), {
    algorithm: "HS256",
    issuer: auth.issuer,
    audience: auth.audience,
    expiresIn: expiresInSecs,
  });
}
