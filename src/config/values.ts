import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { z } from "zod";

// The kinds of values that variables have. What they say of a wrong one follows the variable's name.

export const port = z.coerce.number().int().min(1).max(65535);

export const count = (least: number, most: number) => z.coerce.number().int().min(least).max(most);

export const flag = (standard: boolean) =>
  z
    .enum(["true", "false"])
    .default(standard ? "true" : "false")
    .transform((value) => value === "true");

const isUrl = (value: string, protocols: string[]) =>
  URL.canParse(value) && protocols.includes(new URL(value).protocol);

export const url = (...protocols: string[]) =>
  z.string().refine((value) => isUrl(value, protocols), `must be a URL that starts with ${protocols[0]}//`);

/** What paths are put behind. */
export const baseUrl = url("http:", "https:").refine((value) => !/[?#]/.test(value), {
  message: "must have no query and no fragment",
  when: ({ value }) => URL.canParse(String(value)),
});

const isHostAndPort = (value: string): boolean => {
  const at = value.lastIndexOf(":");
  const host = value.slice(0, at);
  const isHost = /^[^\s:/@?#[\]]+$/.test(host) || /^\[[\da-f:.]+\]$/i.test(host);
  return isHost && /^\d{1,5}$/.test(value.slice(at + 1)) && port.safeParse(value.slice(at + 1)).success;
};

export const hostAndPort = z.string().refine(isHostAndPort, "must be host:port");

/** Several with commas between them. */
const listed = z.string().transform((text) => text.split(",").flatMap((part) => part.trim() || []));

export const names = listed.refine((all) => all.length > 0, "must have a name");

export const webUrls = listed.refine(
  (all) => all.length > 0 && all.every((each) => isUrl(each, ["http:", "https:"])),
  "must be a URL that starts with https:// or http://, or several with commas between them",
);

const isOrigin = (text: string) =>
  text === "*" || (!text.includes("*") && URL.canParse(text) && new URL(text).origin === text);
export const origins = listed.refine(
  (all) => all.every(isOrigin),
  "must be origins like https://app.example, with commas between them, or *",
);

const LEAST_SECRET = 32;
export const secret = z.string().min(LEAST_SECRET, `must have at least ${LEAST_SECRET} characters`);

/** One a line. */
export const secrets = z
  .string()
  .transform((text) => text.split(/\r?\n/).filter(Boolean))
  .refine(
    (all) => all.length > 0 && all.every((each) => each.length >= LEAST_SECRET),
    `must have at least ${LEAST_SECRET} characters, in each of its lines`,
  );

/** The path of a file in PEM that `read` can read. */
const pem = (holding: string, read: (bytes: Buffer) => unknown) =>
  z.string().superRefine((path, context) => {
    try {
      const bytes = readFileSync(path);
      try {
        read(bytes);
      } catch {
        context.addIssue(`must be the path of ${holding} in PEM: ${path} is none`);
      }
    } catch (error) {
      context.addIssue(`can't be read: ${(error as Error).message}`);
    }
  });
export const certificateFile = pem("a certificate", (bytes) => new X509Certificate(bytes));
export const keyFile = pem("a private key without a passphrase", createPrivateKey);
