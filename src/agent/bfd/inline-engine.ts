import type { Host } from "../../platform/contract.ts";
import type { BfdEngine, BfdEngineHandler, StartBfdEngine } from "./engine.ts";
import { BfdRuntime } from "./runtime.ts";

/**
 * BFD in the agent's own loop: for the virtual host, where nothing is ever late, and for tests.
 * What it tells comes from the host's loop and never from inside a call, exactly as from a worker;
 * a snapshot is answered at once, so that looking leaves no trace in a simulation.
 */
export function startInlineBfdEngine(host: Host): StartBfdEngine {
  return (handler: BfdEngineHandler): BfdEngine => {
    const outbox: (() => void)[] = [];
    const bell = host.clock.createAlarm(() => {
      for (const deliver of outbox.splice(0)) deliver();
    });
    const post = (deliver: () => void): void => {
      outbox.push(deliver);
      bell.set(host.clock.now());
    };
    const runtime = new BfdRuntime(host, {
      state: (change) => post(() => handler.state(change)),
      log: (entry) => post(() => handler.log(entry)),
    });
    return {
      configure: (sessions) => runtime.configure(sessions),
      admin: (input) => runtime.admin(input),
      protect: () => undefined,
      snapshot: (done) => done(runtime.view()),
      // None are kept here.
      record: (told) => post(() => told("", true)),
      stop: (done) => runtime.stop(() => post(done)),
    };
  };
}
