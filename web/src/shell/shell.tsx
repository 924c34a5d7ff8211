/** What is around every page. */
import { Dialog, DropdownMenu } from "radix-ui";
import { useEffect, useState, type ReactNode } from "react";
import { Link, useLocation } from "wouter";

import { useEndSession } from "../api/commands";
import { useIncidents, useInterventions, useMe, useReady, useVersion } from "../api/queries";
import { useConnection } from "../live/live";
import { Button } from "../parts/basic";
import { inUtc, localTime } from "../view/format";
import { useNow } from "../view/now";
import { setTheme, useTheme, type Theme } from "../view/theme";
import { Announcer } from "./announcer";
import { Banner } from "./banner";
import { Palette } from "./palette";
import { PLACES } from "./places";

const SHORTCUT = /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘ K" : "Ctrl K";

/** Single keys mean nothing where text is typed. */
function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

export function Shell({ children, isDemo }: { children: ReactNode; isDemo: boolean }) {
  const [location, go] = useLocation();
  const [palette, setPalette] = useState(false);
  const [menu, setMenu] = useState(false);
  const [kill, setKill] = useState(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        setPalette((open) => !open);
      } else if (event.key === "/" && !isTyping(event.target)) {
        event.preventDefault();
        setPalette(true);
      } else if (event.altKey && !event.ctrlKey && !event.metaKey) {
        const place = PLACES.find((place) => `Digit${place.key}` === event.code);
        if (place !== undefined && (isDemo || place.isDemo !== true)) {
          event.preventDefault();
          go(place.path);
        }
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [go, isDemo]);
  // A new page begins at its top.
  useEffect(() => {
    document.getElementById("main")?.scrollTo(0, 0);
  }, [location]);
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="top">
        <Button kind="quiet" className="menu-button" aria-label="Pages" onClick={() => setMenu(true)}>
          ☰
        </Button>
        <Link href="/health" className="brand">
          Pointsman
        </Link>
        <Connected />
        <Clock />
        <Button kind="quiet" className="search" onClick={() => setPalette(true)} aria-label="Go to, or do">
          <span className="wide-only">Go to…</span> <kbd>{SHORTCUT}</kbd>
        </Button>
        <Personal />
      </header>
      <Banner killOpen={kill} setKillOpen={setKill} />
      <nav className="side" aria-label="Pages">
        <Places isDemo={isDemo} />
      </nav>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <Dialog.Root open={menu} onOpenChange={setMenu}>
        <Dialog.Portal>
          <Dialog.Overlay className="overlay" />
          <Dialog.Content className="drawer" aria-describedby={undefined}>
            <Dialog.Title className="brand">Pointsman</Dialog.Title>
            <nav aria-label="Pages" onClick={() => setMenu(false)}>
              <Places isDemo={isDemo} />
            </nav>
          </Dialog.Content>
        </Dialog.Portal>
      </Dialog.Root>
      <Announcer />
      <Palette open={palette} onClose={() => setPalette(false)} onKill={() => setKill(true)} isDemo={isDemo} />
    </div>
  );
}

function Places({ isDemo }: { isDemo: boolean }) {
  const [location] = useLocation();
  const open = useIncidents({ status: "open", limit: 100 });
  const pending = useInterventions({ status: "pending", limit: 100 });
  const counts: Record<string, { n: number; what: string }> = {
    "/incidents": { n: open.data?.data.length ?? 0, what: "open" },
    "/actions": { n: pending.data?.data.length ?? 0, what: "waiting for approval" },
  };
  return (
    <ul>
      {PLACES.filter((place) => isDemo || place.isDemo !== true).map((place) => {
        const counted = counts[place.path];
        const isHere = location === place.path || location.startsWith(`${place.path}/`);
        return (
          <li key={place.path}>
            <Link href={place.path} aria-current={isHere ? "page" : undefined} title={`${place.about} (Alt+${place.key})`}>
              {place.name}
              {counted !== undefined && counted.n > 0 && (
                <span className="count">
                  {counted.n}
                  <span className="visually-hidden"> {counted.what}</span>
                </span>
              )}
            </Link>
          </li>
        );
      })}
    </ul>
  );
}

function Connected() {
  const connection = useConnection();
  const ready = useReady();
  const words = { connecting: "Connecting", live: "Live", lost: "Not connected", refused: "Not signed in" };
  const wrong = Object.entries(ready.data?.checks ?? {}).filter(([name, what]) => what !== "ok" && name !== "kill_switch");
  const isDegraded = connection.state === "live" && wrong.length > 0;
  return (
    <span className={`connected ${isDegraded ? "degraded" : connection.state}`} role="status" title={wrong.map(([name, what]) => `${name}: ${what}`).join("; ")}>
      <span className="dot" aria-hidden="true" />
      {isDegraded ? `Degraded: ${wrong.map(([name]) => name).join(", ")}` : words[connection.state]}
    </span>
  );
}

function Clock() {
  const now = useNow();
  return (
    <span className="clock">
      <span>{localTime(now)}</span> <span className="note">{inUtc(now)}</span>
    </span>
  );
}

function Personal() {
  const { data: me } = useMe();
  const { data: version } = useVersion();
  const end = useEndSession();
  const theme = useTheme();
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>
        <Button kind="quiet" aria-label="You and the page">
          <span className="wide-only">{me?.name ?? "…"}</span> ▾
        </Button>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="end">
          <DropdownMenu.Label>
            {me?.name ?? "nobody"}
            {me?.role != null && ` · ${me.role}`}
          </DropdownMenu.Label>
          <DropdownMenu.Separator />
          <DropdownMenu.RadioGroup value={theme} onValueChange={(next) => setTheme(next as Theme)}>
            {(["system", "light", "dark"] as const).map((name) => (
              <DropdownMenu.RadioItem key={name} value={name}>
                {name === "system" ? "Theme as the system" : name === "light" ? "Light theme" : "Dark theme"}
              </DropdownMenu.RadioItem>
            ))}
          </DropdownMenu.RadioGroup>
          <DropdownMenu.Separator />
          <DropdownMenu.Item asChild>
            <a href="/docs">Interface (OpenAPI)</a>
          </DropdownMenu.Item>
          <DropdownMenu.Item asChild>
            <Link href="/sign-in">Sign in with another key</Link>
          </DropdownMenu.Item>
          {me?.by === "session" && <DropdownMenu.Item onSelect={() => end.mutate(undefined, { onSuccess: () => location.assign("/sign-in") })}>Sign out</DropdownMenu.Item>}
          <DropdownMenu.Separator />
          <DropdownMenu.Label className="note">
            {version === undefined ? "…" : `${version.name} ${version.version}`}
          </DropdownMenu.Label>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
