import {
  credentials,
  makeGenericClientConstructor,
  type Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  status,
} from "@grpc/grpc-js";
import proto from "@temporalio/proto";

const { workflowservice, enums } = proto.temporal.api;
const SERVICE = "temporal.api.workflowservice.v1.WorkflowService";
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * A way to a Temporal server on which some workflow tasks get lost: the worker has done them, and the server has them done
 * again, by any worker. `isLost` is asked of each that a worker hands in. Or they come late: `arrives` is awaited with the workflow's
 * id before the worker gets one.
 */
export async function lossyTemporal(
  address: string,
  isLost: () => boolean,
  arrives: (workflowId: string) => Promise<unknown> = async () => {},
) {
  const raw = (bytes: Buffer) => bytes;
  // At run time a protobufjs Service, whatever its type says.
  const { methods: declared } = workflowservice.v1.WorkflowService as unknown as { methods: object };
  const names = Object.keys(declared);
  const methods = Object.fromEntries(
    names.map((name) => {
      const path = `/${SERVICE}/${name}`;
      const plain = { requestStream: false, responseStream: false } as const;
      const bytes = {
        requestSerialize: raw,
        requestDeserialize: raw,
        responseSerialize: raw,
        responseDeserialize: raw,
      };
      return [name, { path, ...plain, ...bytes }];
    }),
  );
  const limits = { "grpc.max_receive_message_length": MAX_BYTES, "grpc.max_send_message_length": MAX_BYTES };
  const Client = makeGenericClientConstructor(methods as ServiceDefinition, SERVICE);
  const client = new Client(address, credentials.createInsecure(), limits);
  type Reply = (error: unknown, answer?: Buffer) => void;
  const send = (name: string, request: Buffer, metadata: Metadata, deadline: Date | number, reply: Reply) =>
    (client[name] as unknown as (...args: unknown[]) => void).call(client, request, metadata, { deadline }, reply);
  const server = new Server(limits);
  let lost = 0;
  server.addService(
    methods as ServiceDefinition,
    Object.fromEntries(
      names.map((name) => [
        name,
        (call: { request: Buffer; metadata: Metadata; getDeadline(): Date | number }, reply: Reply) => {
          const { request, metadata } = call;
          if (name === "PollWorkflowTaskQueue") {
            send(name, request, metadata, call.getDeadline(), async (error, answer) => {
              const task = answer && workflowservice.v1.PollWorkflowTaskQueueResponse.decode(answer);
              if (task?.workflowExecution?.workflowId) await arrives(task.workflowExecution.workflowId);
              reply(error, answer);
            });
            return;
          }
          if (name !== "RespondWorkflowTaskCompleted" || !isLost()) {
            send(name, request, metadata, call.getDeadline(), reply);
            return;
          }
          lost++;
          const { taskToken, identity, namespace } =
            workflowservice.v1.RespondWorkflowTaskCompletedRequest.decode(request);
          const cause = enums.v1.WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND;
          const failed = { taskToken, identity, namespace, cause };
          const bytes = Buffer.from(workflowservice.v1.RespondWorkflowTaskFailedRequest.encode(failed).finish());
          send("RespondWorkflowTaskFailed", bytes, metadata, call.getDeadline(), (error) =>
            reply(error ?? { code: status.NOT_FOUND, details: "Workflow task not found." }),
          );
        },
      ]),
    ) as never,
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return {
    address: `127.0.0.1:${port}`,
    lost: () => lost,
    close() {
      server.forceShutdown();
      client.close();
    },
  };
}
