import jwt from "jsonwebtoken";
import { secretKey } from "../identity/secret-key.ts";

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
  return jwt.sign(claims, secretKey(auth.secret), {
    algorithm: "HS256",
    issuer: auth.issuer,
    audience: auth.audience,
    expiresIn: expiresInSecs,
  });
}
