/** What those hear who don't see it: which page has come, what has failed or is well again, and that the operator was stopped. */
import { useEffect, useRef } from "react";

import { useIncidents, useKillSwitch } from "../api/queries";
import type { Incident } from "../api/types";
import { news, saying, useSaid } from "../view/saying";

export function Announcer() {
  useNews();
  const text = useSaid();
  return (
    <div className="visually-hidden" role="status" aria-label="News">
      {text}
    </div>
  );
}

/** What was so when the page was opened is no news. */
function useNews(): void {
  const open = useIncidents({ status: "open", limit: 100 }).data?.data;
  const before = useRef<Incident[]>(undefined);
  useEffect(() => {
    if (open === undefined) return;
    news(before.current ?? open, open).forEach(saying);
    before.current = open;
  }, [open]);
  const isKilled = useKillSwitch().data?.engaged;
  const wasKilled = useRef<boolean>(undefined);
  useEffect(() => {
    if (isKilled !== undefined && wasKilled.current !== undefined && isKilled !== wasKilled.current) {
      saying(isKilled ? "The kill switch is engaged: nothing is rerouted" : "The kill switch is cleared");
    }
    wasKilled.current = isKilled;
  }, [isKilled]);
}
