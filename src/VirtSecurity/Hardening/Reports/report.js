// The page is whole without this: it adds filters, opens and closes, and copies commands.
(() => {
  "use strict";
  const form = document.getElementById("filters");
  const shown = document.getElementById("shown");
  const results = [...document.querySelectorAll(".result")].map(element => ({ element, data: element.dataset, text: element.textContent.toLowerCase() }));
  const groups = [...document.querySelectorAll("section.category, section.host")];
  const calm = ["Pass", "NotApplicable"];

  const setOpen = open => results.forEach(({ element }) => { element.open = open; });
  const setDefault = () => results.forEach(({ element, data }) => { element.open = !calm.includes(data.status); });

  function filter() {
    const chosen = new FormData(form);
    const statuses = chosen.getAll("status");
    const words = chosen.get("text").toLowerCase().split(/\s+/).filter(word => word);
    const fits = name => { const value = chosen.get(name); return data => !value || data[name] === value; };
    const tests = ["severity", "category", "host"].map(fits);
    let count = 0;
    for (const { element, data, text } of results) {
      const isShown = statuses.includes(data.status) && tests.every(test => test(data)) && words.every(word => text.includes(word));
      element.classList.toggle("hide", !isShown);
      if (isShown) count++;
    }
    groups.forEach(group => group.classList.toggle("hide", !group.querySelector(".result:not(.hide)")));
    shown.textContent = count === results.length ? `All ${count} results are shown.` : `${count} of ${results.length} results are shown; the others are filtered out.`;
  }

  async function copy(button, code) {
    let done = true;
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      // A page without the right to write there selects the text instead.
      getSelection().selectAllChildren(code);
      done = false;
    }
    button.textContent = done ? "Copied" : "Selected: press Ctrl+C";
    setTimeout(() => { button.textContent = "Copy"; }, 2500);
  }

  for (const code of document.querySelectorAll(".command code")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy the command lines of " + code.closest(".result").querySelector(".id").textContent);
    button.addEventListener("click", () => copy(button, code));
    code.closest(".command").append(button);
  }

  // What a link leads to is shown and open, whatever the filters are.
  function visit() {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (!target || !target.matches(".result, section.host")) return;
    if (target.classList.contains("hide")) { form.reset(); filter(); }
    if (target.matches(".result")) target.open = true;
    target.scrollIntoView();
  }

  form.addEventListener("input", filter);
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { setDefault(); filter(); }));
  form.addEventListener("click", event => { if (event.target.dataset.open !== undefined) setOpen(event.target.dataset.open !== ""); });
  addEventListener("hashchange", visit);

  // Paper hides nothing: all is opened before printing, and closed again as it was.
  let open = [];
  addEventListener("beforeprint", () => { open = results.map(({ element }) => element.open); setOpen(true); });
  addEventListener("afterprint", () => results.forEach(({ element }, index) => { element.open = open[index]; }));

  form.hidden = false;
  setDefault();
  filter();
  visit();
})();
