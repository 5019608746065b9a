/**
 * What a transit router's table prefers, as digits of MED, for selection looks at that where the
 * AS_PATHs are as long: the own region, then the preference, then the region's name.
 */

/** Routes of another region lose before anything but AS_PATH is looked at. */
export const OTHER_REGION_MED = 10_000_000;
/** Preference (1–100, 50 if nobody says) before the region's name, each in its digits of MED. */
const PREFERENCE_MED = 1_000;
export const PREFERENCE_DEFAULT = 50;

export const medOf = (preference: number): number => preference * PREFERENCE_MED;

/** Of a route of another region, whose name is the `rank`th. */
export const farMedOf = (preference: number, rank: number): number =>
  OTHER_REGION_MED + medOf(preference) + rank;

export interface PreferenceDigits {
  readonly isFar: boolean;
  readonly preference: number;
}

export const digitsOf = (med: number): PreferenceDigits => ({
  isFar: med >= OTHER_REGION_MED,
  preference: Math.floor((med % OTHER_REGION_MED) / PREFERENCE_MED),
});
