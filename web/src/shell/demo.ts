/** Whether this server simulates its network, so that something can be broken. */
import { useOutages } from "../api/demo";

export const useIsDemo = (): boolean => useOutages(false).isSuccess;
