import type { Message } from "./message.ts";
import { factsOf, titleOf } from "./words.ts";
import { stringifyJson, type Json } from "../../src/contract/json.ts";
import type { WebhookFormat } from "../../src/contract/webhooks/webhooks.ts";
import { clipped } from "../../workflows/web-ui/text.ts";

/** What is posted. */
export function bodyFor(format: WebhookFormat, message: Message): string {
  if (format === "slack") return JSON.stringify(slack(message));
  return format === "teams" ? JSON.stringify(teams(message)) : stringifyJson(message as unknown as Json);
}

const escapeSlack = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
/** Of one block of theirs, of a button's text, and how many buttons stand in a row. */
const MOST_TEXT = 2_900;
const MOST_BUTTON = 70;
const MOST_LINKS = 20;

/** Blocks of an incoming webhook. Nothing is a link or calls a channel because of what a name or a payload says. */
function slack(message: Message) {
  const { approval, links = [] } = message;
  const title = escapeSlack(clipped(titleOf(message), 500));
  const facts = factsOf(message).map(([name, value]) => `*${name}:* ${escapeSlack(clipped(value, 500))}`);
  const section = (text: string) => ({
    type: "section",
    text: { type: "mrkdwn", text: clipped(text, MOST_TEXT), verbatim: true },
  });
  return {
    text: title,
    blocks: [
      section(`*${title}*`),
      ...(approval?.text ? [section(escapeSlack(clipped(approval.text, MOST_TEXT / 2)))] : []),
      section(facts.join("\n")),
      ...(links.length > 0
        ? [
            {
              type: "actions",
              elements: links.slice(0, MOST_LINKS).map(({ person, url }, n) => ({
                type: "button",
                action_id: `decide-${n}`,
                text: { type: "plain_text", text: clipped(`Decide as ${person}`, MOST_BUTTON) },
                url,
              })),
            },
          ]
        : []),
    ],
  };
}

/** An adaptive card. Of runs of text, because all other texts of a card are Markdown. */
function teams(message: Message) {
  const { approval, links = [] } = message;
  const run = (text: string, look: object = {}) => ({ type: "TextRun", text, ...look });
  const line = (...inlines: object[]) => ({ type: "RichTextBlock", inlines });
  return {
    type: "message",
    attachments: [
      {
        contentType: "application/vnd.microsoft.card.adaptive",
        content: {
          $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
          type: "AdaptiveCard",
          version: "1.4",
          body: [
            line(run(clipped(titleOf(message), 500), { size: "Large", weight: "Bolder" })),
            ...(approval?.text ? [line(run(clipped(approval.text, 8_000)))] : []),
            ...factsOf(message).map(([name, value]) =>
              line(run(`${name}: `, { weight: "Bolder" }), run(clipped(value, 500))),
            ),
          ],
          actions: links.slice(0, MOST_LINKS).map(({ person, url }) => ({
            type: "Action.OpenUrl",
            title: clipped(`Decide as ${person}`, MOST_BUTTON),
            url,
          })),
        },
      },
    ],
  };
}
