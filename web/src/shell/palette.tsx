/** Everything by keyboard: Ctrl or Cmd and K, or a slash. */
import { Command } from "cmdk";
import { Dialog } from "radix-ui";
import { useLocation } from "wouter";

import { useIncidents, useInterventions } from "../api/queries";
import { inWords } from "../view/slice";
import { setTheme } from "../view/theme";
import { actionName, causeName } from "../view/words";
import { PLACES } from "./places";

type Props = { open: boolean; onClose: () => void; onKill: () => void; isDemo: boolean };

export function Palette({ open, onClose, onKill, isDemo }: Props) {
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="overlay" />
        <Dialog.Content className="palette" aria-describedby={undefined}>
          <Dialog.Title className="visually-hidden">Go to, or do</Dialog.Title>
          {open && <Commands {...{ onClose, onKill, isDemo }} />}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Commands({ onClose, onKill, isDemo }: Omit<Props, "open">) {
  const [, go] = useLocation();
  const incidents = useIncidents({ limit: 20 });
  const interventions = useInterventions({ limit: 20 });
  const run = (what: () => void) => () => {
    onClose();
    what();
  };
  return (
    <Command label="Go to, or do">
      <Command.Input placeholder="Go to a page, an incident, an action…" />
      <Command.List>
        <Command.Empty>Nothing is called so.</Command.Empty>
        <Command.Group heading="Pages">
          {PLACES.filter((place) => isDemo || place.isDemo !== true).map((place) => (
            <Command.Item key={place.path} value={`${place.name} ${place.about}`} onSelect={run(() => go(place.path))}>
              <span>{place.name}</span>
              <span className="note">{place.about}</span>
            </Command.Item>
          ))}
        </Command.Group>
        <Command.Group heading="Do">
          <Command.Item value="kill switch stop" onSelect={run(onKill)}>
            Kill switch…
          </Command.Item>
          {(["light", "dark", "system"] as const).map((theme) => (
            <Command.Item key={theme} value={`theme ${theme}`} onSelect={run(() => setTheme(theme))}>
              Theme: {theme === "system" ? "as the system" : theme}
            </Command.Item>
          ))}
        </Command.Group>
        <Command.Group heading="Incidents">
          {(incidents.data?.data ?? []).map((incident) => (
            <Command.Item key={incident.id} value={`${incident.id} ${inWords(incident.slice)} ${incident.cause}`} onSelect={run(() => go(`/incidents/${incident.id}`))}>
              <span>{inWords(incident.slice)}</span>
              <span className="note">
                {incident.status} · {causeName(incident.cause)}
              </span>
            </Command.Item>
          ))}
        </Command.Group>
        <Command.Group heading="Actions">
          {(interventions.data?.data ?? []).map((one) => (
            <Command.Item key={one.id} value={`${one.id} ${one.action} ${inWords(one.slice)}`} onSelect={run(() => go(`/actions/${one.id}`))}>
              <span>
                {actionName(one.action)}: {inWords(one.slice)}
              </span>
              <span className="note">{one.state}</span>
            </Command.Item>
          ))}
        </Command.Group>
      </Command.List>
    </Command>
  );
}
