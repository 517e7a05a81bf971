/* What a score sheet keeps on the device until the server has acknowledged it. */
const OWN = ["csrf_token", "round", "revision"];

export default function assessStore(form) {
  const place = form.dataset.store;
  const fields = () => Array.from(form.querySelectorAll("[name]")).filter((one) => !OWN.includes(one.name));
  const valueOf = (one) => (["checkbox", "radio"].includes(one.type) ? one.checked : one.value);
  const read = () => fields().map(valueOf);

  function put(one, value) {
    if (typeof value === "boolean") one.checked = value;
    else one.value = value;
  }

  return {
    /* `isSent`: the same was sent and not answered, so the server may be one revision ahead. */
    remember(isSent) {
      localStorage.setItem(place, JSON.stringify({ revision: Number(form.revision.value), values: read(), isSent }));
    },
    forget() { localStorage.removeItem(place); },
    /* Puts back what the server does not have; says whether there was anything. An older copy is left alone. */
    restore() {
      const kept = JSON.parse(localStorage.getItem(place) || "null");
      if (!kept || Number(form.revision.value) - kept.revision > (kept.isSent ? 1 : 0)) return false;
      if (JSON.stringify(kept.values) === JSON.stringify(read())) return false;
      fields().forEach((one, index) => put(one, kept.values[index]));
      return true;
    },
  };
}
