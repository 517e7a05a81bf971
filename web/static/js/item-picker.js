/* A search for items whose buttons add a code to a field: data-pick names the field, data-code is what it gets. */
export default function itemPicker(root) {
  const search = root.querySelector("[data-picker-search]");
  const results = root.querySelector("[data-picker-results]");
  let timer = 0;

  async function find() {
    const address = new URL(root.dataset.pickerUrl, location.href);
    address.searchParams.set("item_search", search.value);
    const response = await fetch(address, { headers: { "HX-Request": "true" } });
    if (response.ok) results.innerHTML = await response.text();
  }

  function add(button) {
    const field = document.getElementById(`field-${button.dataset.pick}`);
    const codes = field.value.split(/[\s,，、;；]+/).filter(Boolean);
    if (!codes.includes(button.dataset.code)) field.value = codes.concat(button.dataset.code).join("\n");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    button.setAttribute("aria-pressed", "true");
    button.disabled = true;
  }

  search.addEventListener("input", (event) => {
    event.stopPropagation();
    clearTimeout(timer);
    timer = setTimeout(find, 300);
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") { event.preventDefault(); find(); }
  });
  root.addEventListener("click", (event) => {
    const button = event.target.closest("[data-pick]");
    if (button) add(button);
  });
}
