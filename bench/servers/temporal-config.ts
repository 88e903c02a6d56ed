const MAX_CONNECTIONS = 20;
const MAX_VISIBILITY_CONNECTIONS = 5;
const SERVICES = ["frontend", "history", "matching", "worker"];

/** The server's configuration file; `ports` are eight, of which the first is the one that clients connect to. */
export function temporalConfig(options: {
  databaseUrl: string;
  plugin: string;
  ports: number[];
  dynamicFile: string;
}): object {
  const { databaseUrl, plugin, ports, dynamicFile } = options;
  const { host, username, password } = new URL(databaseUrl);
  const store = (databaseName: string, maxConns: number) => ({
    sql: {
      ...{ pluginName: plugin, databaseName, connectAddr: host, connectProtocol: "tcp", user: username, password },
      ...{ maxConns, maxIdleConns: maxConns, maxConnLifetime: "1h" },
    },
  });
  const service = (index: number) => ({
    rpc: { grpcPort: ports[2 * index], membershipPort: ports[2 * index + 1], bindOnLocalHost: true },
  });
  return {
    log: { stdout: true, level: "error" },
    persistence: {
      ...{ defaultStore: "default", visibilityStore: "visibility", numHistoryShards: 4 },
      datastores: {
        default: store("temporal", MAX_CONNECTIONS),
        visibility: store("temporal_visibility", MAX_VISIBILITY_CONNECTIONS),
      },
    },
    global: { membership: { maxJoinDuration: "30s", broadcastAddress: "127.0.0.1" } },
    services: Object.fromEntries(SERVICES.map((name, index) => [name, service(index)])),
    clusterMetadata: {
      ...{ enableGlobalNamespace: false, failoverVersionIncrement: 10 },
      ...{ masterClusterName: "active", currentClusterName: "active" },
      clusterInformation: {
        active: {
          ...{ enabled: true, initialFailoverVersion: 1, rpcName: "frontend", rpcAddress: `127.0.0.1:${ports[0]}` },
        },
      },
    },
    dcRedirectionPolicy: { policy: "noop" },
    archival: { history: { state: "disabled" }, visibility: { state: "disabled" } },
    namespaceDefaults: { archival: { history: { state: "disabled" }, visibility: { state: "disabled" } } },
    publicClient: { hostPort: `127.0.0.1:${ports[0]}` },
    dynamicConfigClient: { filepath: dynamicFile, pollInterval: "60s" },
  };
}
