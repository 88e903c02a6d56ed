import { Client } from "undici";

/** Latencies in milliseconds, and how long it all took. */
export interface Measured {
  latencies: number[];
  secs: number;
}

/** Asks the paths in turn, from `clients` connections that each wait for their answer, for `secs` seconds. */
export async function load(
  origins: string[],
  paths: string[],
  { clients, secs, token }: { clients: number; secs: number; token: string },
): Promise<Measured> {
  const latencies: number[] = [];
  const headers = { authorization: `Bearer ${token}` };
  let asked = 0;
  const begin = performance.now();
  const end = begin + secs * 1000;
  const askOn = async (client: Client) => {
    for (let now = performance.now(); now < end; ) {
      const path = paths[asked++ % paths.length] as string;
      const { statusCode, body } = await client.request({ method: "GET", path, headers });
      await body.arrayBuffer();
      if (statusCode !== 200) throw new Error(`GET ${path} answered ${statusCode}`);
      const answered = performance.now();
      latencies.push(answered - now);
      now = answered;
    }
  };
  const open = Array.from({ length: clients }, (_, i) => new Client(origins[i % origins.length] as string));
  await Promise.all(open.map(askOn));
  const took = (performance.now() - begin) / 1000;
  await Promise.all(open.map((client) => client.close()));
  return { latencies, secs: took };
}
