import { ApplicationFailure } from "@temporalio/activity";
import nodemailer from "nodemailer";
import type { Message } from "./message.ts";
import { factsOf, titleOf } from "./words.ts";
import type { Config } from "../../src/config.ts";
import { escapeHtml } from "../../src/rules/html-text.ts";
import { clipped } from "../../workflows/web-ui/text.ts";

/** Sends one person a message, in text and HTML. Throws what the server refuses, not to be tried again what it will never take. */
export type Mailer = (address: string, message: Message) => Promise<void>;

const TIMEOUT_MS = 10_000;

/** Undefined where no server is named. */
export function createMailer({ smtpUrl, mailFrom }: Config): Mailer | undefined {
  if (smtpUrl === undefined) return undefined;
  const timeouts = { connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS };
  const transport = nodemailer.createTransport({ url: smtpUrl, ...timeouts });
  return async (address, message) => {
    const link = message.links?.find(({ person }) => person === address)?.url;
    const mail = {
      from: mailFrom,
      to: { name: "", address },
      subject: clipped(titleOf(message), 200),
      // The same at each attempt, so that one that comes twice can be told.
      messageId: `<${message.id}@workflow-runs>`,
      text: textOf(message, link),
      html: htmlOf(message, link),
      // Nothing of a definition or a payload is read as a file or a URL.
      disableFileAccess: true,
      disableUrlAccess: true,
    };
    try {
      await transport.sendMail(mail);
    } catch (error) {
      const { code, responseCode = 0, message: words } = error as Error & { code?: string; responseCode?: number };
      // Of our own name and password an operator may make something better.
      if (responseCode < 500 || code === "EAUTH") throw error;
      throw ApplicationFailure.nonRetryable(words);
    }
  };
}

const textOf = (message: Message, link?: string): string =>
  [
    titleOf(message),
    message.approval?.text,
    factsOf(message)
      .map(([name, value]) => `${name}: ${value}`)
      .join("\n"),
    link && `Decide: ${link}\nThe link is for you alone. Whoever has it decides in your name.`,
  ]
    .filter(Boolean)
    .join("\n\n");

function htmlOf(message: Message, link?: string): string {
  const facts = factsOf(message).map(([name, value]) => `<tr><td>${name}</td><td>${escapeHtml(value)}</td></tr>`);
  const text = message.approval?.text;
  return `<!doctype html><html><body><h2>${escapeHtml(titleOf(message))}</h2>
${text ? `<pre style="white-space: pre-wrap">${escapeHtml(text)}</pre>` : ""}<table>${facts.join("")}</table>
${link ? `<p><a href="${escapeHtml(link)}">Decide</a></p><p>The link is for you alone. Whoever has it decides in your name.</p>` : ""}
</body></html>`;
}
