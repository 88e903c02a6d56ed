import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP, isIPv6 } from "node:net";
import { z } from "zod";

// The kinds of values that variables have. What they say of a wrong one follows the variable's name.

/** One line, as it was meant: what a file, a shell or an editor has put at its ends is in nobody's name or secret. */
export const isLine = (value: string) => value !== "" && value === value.trim() && !/\p{Cc}/u.test(value);
const LINE = "without spaces at its ends and without control characters";

export const text = z.string().refine(isLine, `must be one line ${LINE}`);

/** In digits: Number() would take 0x10, 1e2 and blanks, too. */
export const count = (least: number, most: number) =>
  z
    .string()
    .refine(
      (value) => /^\d{1,15}$/.test(value) && Number(value) >= least && Number(value) <= most,
      `must be a whole number from ${least} to ${most}`,
    )
    .transform(Number);

export const port = count(1, 65535);

/** Of a whole. */
export const share = z
  .string()
  .refine((value) => /^[\d.]+(e-\d+)?$/i.test(value) && Number(value) <= 1, "must be a number from 0 to 1")
  .transform(Number);

export const flag = (standard: boolean) =>
  z
    .enum(["true", "false"])
    .default(standard ? "true" : "false")
    .transform((value) => value === "true");

/** As it is written: URL() would take http:host, and blanks and line breaks, which it leaves out. */
const isUrl = (value: string, protocols: string[], hasPlace = ({ hostname }: URL) => hostname !== "") =>
  protocols.some((protocol) => value.toLowerCase().startsWith(`${protocol}//`)) &&
  !/[\s\p{Cc}]/u.test(value) &&
  URL.canParse(value) &&
  new URL(value).port !== "0" &&
  hasPlace(new URL(value));

/** A URL like the example, or of another of these protocols. */
export const url = (example: string, protocols: string[], hasPlace?: (url: URL) => boolean) =>
  z.string().refine((value) => isUrl(value, protocols, hasPlace), {
    message: `must be a URL like ${example}, without spaces`,
    abort: true,
  });

/** Undefined: some of its percent signs stand for nothing. */
export function decodedOf(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

const WEB = ["https:", "http:"];
/** Node would take no request with a user that it can't decode. */
const isWeb = ({ hostname, username, password }: URL) =>
  hostname !== "" && decodedOf(username + password) !== undefined;

export const webUrl = (example: string) => url(example, WEB, isWeb);

/** What paths are put behind. */
export const baseUrl = (example: string) =>
  webUrl(example).refine((value) => !/[?#]/.test(value), "must have no query and no fragment");

const isHost = (value: string) =>
  isIP(value) !== 0 || (/^[\w-]+(\.[\w-]+)*\.?$/.test(value) && !/^[\d.]+$/.test(value));

export const host = z.string().refine(isHost, "must be the name of a host, or an IP address");

function isHostAndPort(value: string): boolean {
  const at = value.lastIndexOf(":");
  const [, v6] = /^\[(.*)\]$/.exec(value.slice(0, at)) ?? [];
  const isAddress = v6 === undefined ? !value.slice(0, at).includes(":") && isHost(value.slice(0, at)) : isIPv6(v6);
  return isAddress && port.safeParse(value.slice(at + 1)).success;
}

export const hostAndPort = z.string().refine(isHostAndPort, "must be host:port");

/** Several with commas between them. One that is empty, as behind a last comma, is none. */
const listed = (isOne: (one: string) => boolean, message: string) =>
  z
    .string()
    .transform((all) => all.split(",").flatMap((one) => one.trim() || []))
    .refine((all) => all.length > 0 && all.every(isOne), message);

export const names = listed(isLine, "must be a name, or several with commas between them");

/** fetch() takes none with a user or a password. */
const isFetched = (value: string) =>
  isUrl(value, WEB, ({ hostname, username, password }) => hostname !== "" && username + password === "");
export const webUrls = (example: string) =>
  listed(
    isFetched,
    `must be a URL like ${example}, without spaces and without a user, or several with commas between them`,
  );

const isOrigin = (value: string) =>
  value === "*" || (!value.includes("*") && isUrl(value, WEB) && new URL(value).origin === value);
export const origins = listed(isOrigin, "must be origins like https://app.example, with commas between them, or *");

const isSecret = (value: string) => value.length >= 32 && isLine(value);
export const secret = z.string().refine(isSecret, `must have at least 32 characters, ${LINE}`);

/** One a line. */
export const secrets = z
  .string()
  .transform((all) => all.split(/\r?\n/).filter(Boolean))
  .refine(
    (all) => all.length > 0 && all.every(isSecret),
    `must have at least 32 characters in each of its lines, each ${LINE}`,
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
