namespace VirtSecurity.Hardening.Rules;

/// <summary>What images lie on: mounts, devices, LVM.</summary>
internal static class StorageRules
{
    /// <summary>The category's name.</summary>
    public const string Category = "Storage";

    /// <summary>The category's checks.</summary>
    public static IReadOnlyList<HardeningRule> All { get; } =
        [.. StorageMountRules.All.Concat(StorageNameRules.All).Concat(StorageBootRules.All).Concat(StorageDeviceRules.All).Concat(StorageLvmRules.All).OrderBy(rule => rule.Id, StringComparer.Ordinal)];
}
