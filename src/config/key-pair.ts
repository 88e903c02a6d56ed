import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";

/** Where a check of several variables tells what is wrong. */
export interface Context {
  addIssue(issue: { code: "custom"; path: string[]; message: string }): void;
}

/** A file that a variable names, or a parameter of the variable's URL. */
export interface NamedFile {
  path: string | undefined;
  variable: string;
  parameter?: string;
}

export const fileOf = <Name extends string>(found: Partial<Record<Name, string>>, variable: Name): NamedFile => ({
  path: found[variable],
  variable,
});

/** A certificate and its key are given both or not at all, and belong together. Each can be read: its variable's kind has seen to that. */
export function checkKeyPair(cert: NamedFile, key: NamedFile, context: Context): void {
  const wrong = ({ variable, parameter }: NamedFile, message: string) =>
    context.addIssue({
      ...{ code: "custom", path: [variable] },
      message: parameter === undefined ? message : `: its ${parameter} ${message}`,
    });
  if (cert.path !== undefined && key.path !== undefined) {
    const certificate = new X509Certificate(readFileSync(cert.path));
    if (!certificate.checkPrivateKey(createPrivateKey(readFileSync(key.path))))
      wrong(key, `is not the key of ${nameOf(cert)}`);
  } else if (cert.path !== undefined) wrong(key, `is needed with ${nameOf(cert)}`);
  else if (key.path !== undefined) wrong(cert, `is needed with ${nameOf(key)}`);
}

const nameOf = ({ variable, parameter }: NamedFile): string =>
  parameter === undefined ? variable : `the ${parameter} of ${variable}`;
