/**
 * The edge's HTTP interface: JSON, over a Unix socket (for the CLI) and a loopback port (for
 * Prometheus and people). The port is read-only: it sees views and nothing else. The socket also
 * takes the few orders of `order-routes.ts`. Routes stand in `routes.ts`; this file owns the
 * listeners, the errors' shape, and OpenAPI.
 *
 * Two listeners share one application, so Fastify routes and Node's own servers listen. A page of
 * another site must not read a router through somebody's browser: over a loopback port the Host
 * header has to name a loopback host (DNS rebinding).
 */
import { chmodSync, mkdirSync, rmSync, statSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { dirname } from "node:path";
import swagger from "@fastify/swagger";
import Fastify, { type FastifyError, type FastifyInstance } from "fastify";
import { PlatformError } from "../../core/app-error.ts";
import type { ApiConfig } from "../config/edge-config.ts";
import type { JournalView } from "../journal.ts";
import type { AgentOrders } from "../orders.ts";
import { VERSION } from "../version.ts";
import type { AgentView } from "../view.ts";
import { addOrderRoutes } from "./order-routes.ts";
import { ApiError } from "./present.ts";
import { addRoutes } from "./routes.ts";
import type { Problem } from "./schemas.ts";

export interface ApiParts {
  readonly view: AgentView;
  readonly journal: JournalView;
  /** Taken over the Unix socket only; undefined takes none. */
  readonly orders?: AgentOrders;
  /** The metrics page and its content type. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
}

export interface ApiServer {
  /** Where TCP listens; undefined where it does not. */
  readonly port: number | undefined;
  close(): Promise<void>;
}

export async function startApi(config: ApiConfig, parts: ApiParts): Promise<ApiServer> {
  const app = await createApi(parts);
  const servers: Server[] = [];
  let port: number | undefined;
  try {
    const { socketPath, listen } = config;
    if (socketPath !== undefined) servers.push(await listenUnix(app, socketPath));
    if (listen !== undefined) {
      const server = await listenTcp(app, listen);
      servers.push(server);
      port = (server.address() as AddressInfo).port;
    }
  } catch (error) {
    await closeAll(app, servers);
    throw error;
  }
  return { port, close: () => closeAll(app, servers) };
}

/** The application without a listener; tests inject requests into it. */
export async function createApi(parts: ApiParts): Promise<FastifyInstance> {
  const app = Fastify({
    logger: false,
    forceCloseConnections: true,
    ajv: { customOptions: { removeAdditional: false } },
  });
  await app.register(swagger, {
    openapi: {
      info: {
        title: "Causeway edge",
        version: VERSION,
        description: "Read model of a running edge. Orders (POST) go by its Unix socket only.",
      },
    },
  });
  app.setErrorHandler<FastifyError | ApiError>((error, _request, reply) => {
    const { status, problem } = problemOf(error);
    return reply.code(status).send(problem);
  });
  app.setNotFoundHandler((request, reply) => {
    const message = `there is no ${request.method} ${request.url}; see /openapi.json`;
    return reply.code(404).send(problem("API_PATH_UNKNOWN", message));
  });
  // The compiler holds answers against their shapes. A serializer built for each of them would do
  // it again, for a tenth of the memory an idle edge takes.
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
  addRoutes(app, parts);
  if (parts.orders !== undefined) addOrderRoutes(app, parts.view, parts.orders);
  await app.ready();
  return app;
}

function problemOf(error: FastifyError | ApiError): { status: number; problem: Problem } {
  if (error instanceof ApiError) {
    const { status, code, message, nearest } = error;
    return { status, problem: { ...problem(code, message), nearest: [...nearest] } };
  }
  const status = error.statusCode ?? 500;
  if (status < 500) return { status, problem: problem("API_REQUEST_INVALID", error.message) };
  return { status: 500, problem: problem("INTERNAL_ERROR", error.message) };
}

const problem = (code: string, message: string): Problem => {
  return { schema: "causeway.problem/v1", code, message };
};

async function listenTcp(
  app: FastifyInstance,
  { address, port }: NonNullable<ApiConfig["listen"]>,
): Promise<Server> {
  const isLoopback = LOOPBACK.test(address);
  const server = createServer((request, response) => {
    if (isLoopback && !LOOPBACK.test(hostOf(request.headers.host))) {
      const message = "over a loopback address the Host header must name a loopback host";
      refuse(response, 421, problem("API_HOST_REFUSED", message));
    } else if (request.method !== "GET" && request.method !== "HEAD") {
      const message =
        "orders are taken over the Unix socket only (api.socket); a port is read-only";
      refuse(response, 405, problem("API_READ_ONLY", message));
    } else {
      app.routing(request, response);
    }
  });
  await listening(server, () => server.listen({ host: address, port }), `${address}:${port}`);
  return server;
}

function refuse(response: ServerResponse, status: 405 | 421, body: Problem): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;

const hostOf = (header: string | undefined): string => (header ?? "").replace(/:\d+$/, "");

async function listenUnix(app: FastifyInstance, path: string): Promise<Server> {
  const server = createServer((request, response) => app.routing(request, response));
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
    await removeStale(path);
  } catch (error) {
    if (error instanceof PlatformError) throw error;
    throw cannotListen(path, error);
  }
  await listening(server, () => server.listen({ path }), path);
  try {
    chmodSync(path, 0o660);
  } catch (error) {
    server.close();
    throw cannotListen(path, error);
  }
  server.once("close", () => rmSync(path, { force: true }));
  return server;
}

/** A socket file nobody answers on is what a crash left behind. */
async function removeStale(path: string): Promise<void> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) {
    const advice = "move it, or change api.socket";
    const message = `the API socket cannot be made: ${path} is there and no socket; ${advice}`;
    throw new PlatformError("PLATFORM_API_LISTEN", message);
  }
  const isAlive = await new Promise<boolean>((resolve) => {
    const probe = connect({ path });
    probe.once("connect", () => resolve(true)).once("error", () => resolve(false));
    probe.once("close", () => probe.destroy());
    probe.once("connect", () => probe.end());
  });
  if (isAlive) {
    const message = `another causeway agent answers on ${path}: stop it or choose another socket`;
    throw new PlatformError("PLATFORM_ADDRESS_IN_USE", message);
  }
  rmSync(path, { force: true });
}

function listening(server: Server, listen: () => void, where: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(cannotListen(where, error)));
    server.once("listening", resolve);
    listen();
  });
}

function cannotListen(where: string, cause: unknown): PlatformError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const why =
    code === "EADDRINUSE"
      ? "somebody else listens there; stop it, or name another address with api.listen"
      : code === "EACCES" || code === "EPERM"
        ? "permission denied; give this user the place, or name another in the file's api section"
        : cause instanceof Error
          ? cause.message
          : String(cause);
  const message = `the API cannot listen on ${where}: ${why}`;
  return new PlatformError("PLATFORM_API_LISTEN", message, { cause });
}

async function closeAll(app: FastifyInstance, servers: readonly Server[]): Promise<void> {
  await app.close();
  for (const server of servers) {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }
}
