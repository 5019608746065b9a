/** Shape of a cloud's file: one truth for reading and for editors. */
import { type Static, Type } from "@sinclair/typebox";
import { AsNumber, closed, Duration, Ipv4, Ipv4Interface, Name, Port, Prefix } from "../shapes.ts";

const Bfd = Type.Object(
  {
    tx: Type.Optional(Duration),
    rx: Type.Optional(Duration),
    multiplier: Type.Optional(
      Type.Integer({ minimum: 3, maximum: 10, description: "3 to 10, as the VBR allows" }),
    ),
    hops: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 255, description: "1 to 255; 1 is single hop" }),
    ),
  },
  closed,
);

const Vbr = Type.Object(
  {
    name: Name,
    circuit: Name,
    local: Ipv4Interface,
    peer: Ipv4,
    peerAs: AsNumber,
    port: Type.Optional(Port),
    peerPort: Type.Optional(Port),
    device: Type.Optional(Name),
    hold: Type.Optional(Duration),
    keepalive: Type.Optional(Duration),
    md5: Type.Optional(
      Type.String({ minLength: 1, maxLength: 80, description: "a key of the lab" }),
    ),
    routeQuota: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
    bfd: Type.Optional(
      Type.Union([Type.Literal("off"), Bfd], {
        description: "off, or tx, rx, multiplier and hops",
      }),
    ),
  },
  closed,
);

export const CloudSchema = Type.Object(
  {
    cloud: Type.Object({ name: Name, as: Type.Optional(AsNumber) }, closed),
    vbrs: Type.Array(Vbr, { minItems: 1, maxItems: 64, description: "one VBR or more" }),
    ecr: Type.Object(
      {
        name: Name,
        prefixes: Type.Array(Prefix, { maxItems: 10_000 }),
        ecmp: Type.Optional(
          Type.Integer({ minimum: 1, maximum: 32, description: "1 to 32 equal paths" }),
        ),
      },
      closed,
    ),
  },
  closed,
);
export type CloudFile = Static<typeof CloudSchema>;
