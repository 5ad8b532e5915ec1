"use strict";
(() => {
  const form = document.getElementById("filter");
  const text = document.getElementById("filter-text");
  const profile = document.getElementById("filter-profile");
  const status = document.getElementById("filter-status");
  const outcomes = [...form.querySelectorAll("button[data-outcome]")];
  const lists = [...document.querySelectorAll("ul.cases")];
  const failures = [...document.querySelectorAll("[data-failure]")];

  const item = (element, holder) => ({
    element,
    profile: holder.dataset.profile,
    outcome: holder.dataset.outcome,
    text: (element.textContent + " " + (holder.dataset.why || "")).toLowerCase(),
  });
  const cases = lists.flatMap((list) => [...list.children].map((li) => item(li, list)));
  const told = failures.map((failure) => item(failure, failure));

  const wanted = () => new Set(outcomes.filter((b) => b.getAttribute("aria-pressed") === "true").map((b) => b.dataset.outcome));

  const show = (items, chosen, words) => {
    let number = 0;
    for (const one of items) {
      const fits =
        (!profile.value || one.profile === profile.value) &&
        (!chosen.size || chosen.has(one.outcome)) &&
        words.every((word) => one.text.includes(word));
      one.element.hidden = !fits;
      number += fits;
    }
    return number;
  };

  const hideEmpty = (selector, inner) => {
    for (const holder of document.querySelectorAll(selector)) {
      holder.hidden = !holder.querySelector(`${inner}:not([hidden])`);
    }
  };

  const apply = () => {
    const chosen = wanted();
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const number = show(cases, chosen, words);
    show(told, chosen, words);
    hideEmpty(".clause", "[data-failure]");
    hideEmpty(".sort", "li");
    hideEmpty(".profile", "li");
    hideEmpty("#failures", ".clause");
    const active = Boolean(profile.value || chosen.size || words.length);
    for (const holder of document.querySelectorAll(".profile")) {
      holder.open = active && holder.querySelectorAll("li:not([hidden])").length <= 400;
    }
    status.textContent = active ? `${number} of ${cases.length} cases shown` : `All ${cases.length} cases shown`;
  };

  const remember = () => {
    const state = new URLSearchParams();
    if (profile.value) state.set("profile", profile.value);
    const chosen = [...wanted()];
    if (chosen.length) state.set("outcome", chosen.join(","));
    if (text.value) state.set("q", text.value);
    history.replaceState(null, "", state.size ? `#${state}` : location.pathname + location.search);
  };

  const recall = () => {
    if (location.hash && !location.hash.includes("=")) return;
    const state = new URLSearchParams(location.hash.slice(1));
    profile.value = state.get("profile") || "";
    if (profile.selectedIndex < 0) profile.value = "";
    text.value = state.get("q") || "";
    const chosen = (state.get("outcome") || "").split(",");
    for (const button of outcomes) {
      button.setAttribute("aria-pressed", String(chosen.includes(button.dataset.outcome)));
    }
    apply();
  };

  const changed = () => {
    apply();
    remember();
  };

  form.addEventListener("submit", (event) => event.preventDefault());
  text.addEventListener("input", changed);
  profile.addEventListener("change", changed);
  for (const button of outcomes) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      changed();
    });
  }
  document.getElementById("filter-clear").addEventListener("click", () => {
    text.value = profile.value = "";
    for (const button of outcomes) button.setAttribute("aria-pressed", "false");
    changed();
    text.focus();
  });
  addEventListener("hashchange", () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target && target.matches("details")) target.open = true;
    recall();
  });

  for (const holder of document.querySelectorAll(".repeat")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy the command");
    button.addEventListener("click", async () => {
      const code = holder.querySelector("code");
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code);
        button.textContent = "Selected";
      }
      setTimeout(() => (button.textContent = "Copy"), 2000);
    });
    holder.append(button);
  }

  form.hidden = false;
  recall();
})();
