import { z } from "zod";
import { isLine, url } from "./values.ts";
import { isAddress } from "../contract/webhooks/webhooks.ts";

/** A name with a comma, a colon or the like is in quotes: it would be read as several senders. */
const NAMED = /^(?:[^<>,;:@"\\]*|"[^"\\]*"\s*)<([^<>]*)>$/;

const isSender = (given: string): boolean => isLine(given) && isAddress(NAMED.exec(given)?.[1] ?? given);

export const mailVariables = {
  SMTP_URL: url("smtp://user:password@mail.example:587", ["smtp:", "smtps:"]).optional(),
  MAIL_FROM: z
    .string()
    .refine(isSender, "must be like runs@example.com, or Runs <runs@example.com>")
    .default("workflow-runs <workflow-runs@localhost>"),
};
