/** A capture at the edge's end of a real line, of the same packets as in virtual time. */
import type { Netns } from "../../platform/linux/netns.ts";
import { PacketTap } from "../../platform/linux/packet-tap.ts";
import { BFD_PORTS, type LineCapture } from "./line-capture.ts";
import { PcapngWriter } from "./pcapng.ts";

export interface TapCapture extends LineCapture {
  close(): void;
}

export function captureDevice(
  netns: Netns,
  line: { readonly circuit: string; readonly device: string },
): TapCapture {
  const { circuit, device } = line;
  const file = new PcapngWriter({ name: device, description: `the edge on the line ${circuit}` });
  const tap = new PacketTap(netns, { device, udpPorts: [...BFD_PORTS] }, (frame) =>
    file.add({ ...frame, comment: undefined }),
  );
  return { circuit, file, close: () => tap.close() };
}
