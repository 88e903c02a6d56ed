import { Writable } from "node:stream";

export type LogLine = Record<string, unknown> & { msg: string };

/** Where a log goes, line by line. */
export class LogLines extends Writable {
  text = "";

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }

  all(msg: string): LogLine[] {
    const lines = this.text.split("\n").filter(Boolean);
    return lines.map((line) => JSON.parse(line) as LogLine).filter((line) => line.msg === msg);
  }
}
