/** What the reader's role may do. The server decides; this only says it before it is tried. */
import { useKillSwitch, useMe } from "../api/queries";
import type { Role } from "../api/types";

const ROLES: Role[] = ["viewer", "operator", "approver", "admin"];

/** Why not; null where it may. */
export function useRefused(needed: Role): string | null {
  const { data: me } = useMe();
  if (me === undefined) return null;
  const own = me.role == null ? -1 : ROLES.indexOf(me.role);
  return own >= ROLES.indexOf(needed) ? null : `This needs the role ${needed}; ${me.name} has ${me.role ?? "none"}`;
}

/** Why the reader can't clear the kill switch; a key says of nobody who they are, and nobody is two people. */
export function useRefusedToClear(): string | null {
  const { data: me } = useMe();
  const { data: kill } = useKillSwitch();
  const refused = useRefused("approver");
  if (refused === null && me?.name != null && kill?.clear_requested_by === me.name) return "You have asked for it; another person has to agree";
  return refused ?? (me?.by === "key" ? "A key never clears the kill switch; people do, signed in by name" : null);
}
