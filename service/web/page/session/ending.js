// The end of the session: a notice some minutes before it, and a call when it comes.

import { button, make } from "../shared/dom.js";
import { moment } from "../shared/format.js";
import { failure } from "./signin.js";
import { issuer, leaveForIssuer, renew } from "./issuer.js";
import { endOf, session, timeLeft } from "./token.js";

const NOTICE = 5 * 60_000;
const LONGEST = 30_000; // a computer that slept may have missed the end

/**
 * Watch the session until it ends. `place` gets the notice; `ended` is called with the end; `again` shows the card for
 * another token. Returns a function that looks at once, and returns whether the session has ended.
 */
export function watchSession(place, { ended, again }) {
  let timer;
  let shownFor = null;

  function look() {
    clearTimeout(timer);
    const known = session();
    const end = known && endOf(known);
    const left = end ? timeLeft(end, known) : Infinity;
    if (left <= 0) {
      place.replaceChildren();
      shownFor = null;
      ended(end);
      return true;
    }
    const near = left <= NOTICE ? end : null;
    if (near !== shownFor) place.replaceChildren(...(near ? [notice(near, again, look)] : []));
    shownFor = near;
    if (end) timer = setTimeout(look, Math.min(LONGEST, near ? left : left - NOTICE));
    return false;
  }

  document.addEventListener("visibilitychange", look);
  return look;
}

function notice(end, again, look) {
  const renewable = session().issuer?.refresh;
  const act = async () => {
    try {
      if (renewable) await renew();
      else if (session().issuer) await leaveForIssuer();
      else again();
      look();
    } catch (error) {
      element.replaceChildren(failure(error));
    }
  };
  const label = renewable ? "Stay signed in" : issuer && session().issuer ? "Sign in again" : "Use another token";
  const element = make("div", { class: "notice warn ending", role: "status" },
    make("span", {}, "Your session ends on ", make("strong", {}, moment(end)), "."), button(label, act, { class: "plain" }));
  return element;
}
