/**
 * Shapes shared by the modules of the player; there is nothing to run here.
 *
 * @typedef {{id: string, content: string}} Choice
 * @typedef {Array<string | string[]>} Response  canonical response, see item_templates/contract.py
 * @typedef {"choice"|"true_false"|"text_entry"|"number"|"order"|"match"|"extended_text"|"hotspot"} Interaction
 * @typedef {{slot: number, section: number, type: string, interaction: Interaction, multiple?: boolean, stem: string,
 *   choices?: Choice[], targets?: Choice[], n_blanks?: number, score?: string, type_label?: string, unit?: string, hotspot?: Hotspot,
 *   stimulus?: number}} Slot  `stimulus` is the index of the text that it shares with its neighbours
 * @typedef {{mode: "regions"|"point", picks: number, regions?: Record<string, {shape: "rect"|"ellipse"|"polygon", coords: number[]}>}} Hotspot
 *   lengths in thousandths of the picture's width and height
 * @typedef {{title: string, instructions?: string, slots: number[]}} Section
 * @typedef {{name: string, admission_number: string, seat?: string, room?: string, photo_url?: string}} Candidate
 * @typedef {{name: string, title: string, duration_seconds: number, rules: string[], pledge: string}} SessionInfo
 * @typedef {{form_id: string, title: string, session_name?: string, total_score?: string, sections: Section[],
 *   slots: Slot[], stimuli?: string[], display?: {per_page: "one"|"all"}, candidate?: Candidate}} Form
 * @typedef {{slot: number, seq: number, response: Response, client_time: string}} ResponseEvent
 * @typedef {{seq: number, response: Response}} Answer
 * @typedef {"online"|"slow"|"busy"|"offline"} Link
 * @typedef {null|"taken_over"|"other_tab"|"time_over"|"closed"} Lock
 * @typedef {{n_answers: number, digest: string, submitted_at: string, admission_number: string}} Receipt
 * @typedef {{token: string, attempt_id: string, status: string, server_time: string, opens_at: string,
 *   rescue?: {key: string, generation: number}, deadline_at: string|null, candidate?: Candidate, session?: SessionInfo, earliest_submit_at?: string|null}} SignInAnswer
 * @typedef {{size: "small"|"medium"|"large", contrast: boolean, layout: "one"|"all", panel: boolean, tool: ""|"calculator"|"scratch", timer: boolean,
 *   shortcuts: boolean, language: "zh-Hans"|"en"}} Preferences
 */
export {};
